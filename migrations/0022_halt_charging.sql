-- +goose Up

-- What the audit of the money invariants found, each time that it ran.
CREATE TABLE audit_run (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    clean       boolean     NOT NULL,
    lines       jsonb       NOT NULL,
    duration_ms bigint      NOT NULL,
    CONSTRAINT audit_run_takes_time CHECK (duration_ms >= 0)
);
CREATE INDEX audit_run_at ON audit_run (at DESC);
CREATE TRIGGER audit_run_is_immutable BEFORE UPDATE OR DELETE ON audit_run FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Why charging is halted; while a row here is not lifted, nothing is taken from
-- anybody. Who charges locks the table in ROW SHARE mode and then looks; who halts
-- locks it in EXCLUSIVE mode: no charge is decided beside the halt.
CREATE TABLE charging_halt (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    since     timestamptz NOT NULL,
    invariant text        NOT NULL, -- "I5"; "operator" for a person's halt
    detail    text        NOT NULL,
    by        text        NOT NULL,
    lifted_at timestamptz,
    lifted_by text,
    CONSTRAINT charging_halt_lifted_by_somebody CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND lifted_by <> '')
);
CREATE UNIQUE INDEX charging_halt_once ON charging_halt (invariant) WHERE lifted_at IS NULL;

-- A halt is lifted once; nothing else of it ever changes.
-- +goose StatementBegin
CREATE FUNCTION charging_halt_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
       OR to_jsonb(NEW) - ARRAY['lifted_at', 'lifted_by'] <> to_jsonb(OLD) - ARRAY['lifted_at', 'lifted_by'] THEN
        RAISE EXCEPTION '% on % is refused: a halt is only lifted', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charging_halt_is_only_lifted';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER charging_halt_is_only_lifted BEFORE UPDATE OR DELETE ON charging_halt
    FOR EACH ROW EXECUTE FUNCTION charging_halt_keep();
