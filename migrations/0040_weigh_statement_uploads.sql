-- +goose Up

-- Who uploads a statement by which much money comes in does not start its import:
-- a file is no proof that the bank wrote it. What waits from before needs two too.
-- An import that stopped says why and can be started again.
ALTER TABLE statement_upload DISABLE TRIGGER statement_upload_keeps;
ALTER TABLE statement_upload
    ADD COLUMN needs_two boolean NOT NULL DEFAULT false, -- people: one uploads, another starts the import
    DROP CONSTRAINT statement_upload_done_says_what,
    ADD CONSTRAINT statement_upload_done_says_what CHECK (done_at IS NULL OR result IS NOT NULL);
UPDATE statement_upload SET asked_by = NULL, asked_at = NULL, done_at = NULL WHERE result ? 'failed';
UPDATE statement_upload SET needs_two = true WHERE asked_by IS NULL;
ALTER TABLE statement_upload
    ALTER COLUMN needs_two DROP DEFAULT,
    ADD CONSTRAINT statement_upload_second_eyes CHECK (NOT needs_two OR asked_by <> uploaded_by);
ALTER TABLE statement_upload ENABLE TRIGGER statement_upload_keeps;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION statement_upload_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.done_at IS NOT NULL OR to_jsonb(NEW) - '{asked_by,asked_at,done_at,result}'::text[] <> to_jsonb(OLD) - '{asked_by,asked_at,done_at,result}'::text[]
       OR OLD.asked_by IS NOT NULL AND NEW.asked_by IS NOT NULL AND (NEW.asked_by, NEW.asked_at) IS DISTINCT FROM (OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'upload % stays as it was', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'statement_upload_keeps';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
