// Package storetest gives a test a migrated PostgreSQL database of its own.
//
// Owns: one throw-away server per operating system user, shared by all test
// processes and left running between them (internal/storetest/cmd/stop ends
// it), or the server of TEST_DATABASE_URL; one template database per state of
// the migrations, made by store.Migrate; a copy of it for each test.
//
// Does not own: test data.
//
// Tests of package store use it from package store_test, because it imports
// store. Without PostgreSQL a test is skipped with one line, or fails when
// PORTAL_TEST_REQUIRE=1.
package storetest
