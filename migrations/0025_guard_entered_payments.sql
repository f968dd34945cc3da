-- +goose Up

-- What is paid at one of our own providers is stored as it ended. At any other a
-- payment is stored before it is sent, and only what came late for one that had
-- ended begins as a success.
-- +goose StatementBegin
CREATE FUNCTION payment_succeeds_later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payment % at % cannot begin as a success', NEW.id, NEW.provider
        USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_succeeds_later';
END $$;
-- +goose StatementEnd
CREATE TRIGGER payment_succeeds_later AFTER INSERT ON payment FOR EACH ROW
    WHEN (NEW.state = 'succeeded' AND NEW.provider NOT IN ('bank', 'balance') AND NEW.parent_id IS NULL)
    EXECUTE FUNCTION payment_succeeds_later();
