-- +goose Up

-- Who may work in the back office, and as what.
CREATE TABLE staff_member (
    account_id uuid PRIMARY KEY REFERENCES account,
    role       text        NOT NULL CHECK (role IN ('support', 'finance', 'admin')),
    added_at   timestamptz NOT NULL,
    added_by   text        NOT NULL -- as in the audit log
);
