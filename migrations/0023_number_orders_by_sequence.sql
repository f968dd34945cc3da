-- +goose Up

-- An order is no tax document: its numbers may have gaps. Taken from a counter
-- row, they made all orders of a year wait for each other; a sequence does not.
-- The counter stays for a program that still runs, which may place as many
-- orders as the distance before it meets the sequence's numbers.
CREATE SEQUENCE order_number_taken AS integer START WITH 1 MAXVALUE 999999999;
SELECT setval('order_number_taken', max(next) + 1000) FROM order_number HAVING count(*) > 0;
