-- +goose Up
-- Whether a payer's documents carry their words in Lithuanian too, beside those in
-- the payer's language. Documents that are issued have both frozen.
ALTER TABLE payer ADD COLUMN also_lithuanian boolean NOT NULL DEFAULT false;
