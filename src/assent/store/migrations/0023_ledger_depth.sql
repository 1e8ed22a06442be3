-- Settings in the ledger, recoveries after a restored backup, bills of carriers beside the ledger.
-- Why: what decided is proved too; an old backup stops marketing; sending beside the ledger is seen.
-- Old code on this schema: appends no settings, notices no rollback; what it appends stays valid.

CREATE TABLE setting (
    position bigint PRIMARY KEY,
    what text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    document bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX setting_what ON setting (what, position);

CREATE TABLE ledger_recovery (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    code text NOT NULL,
    seen bigint NOT NULL,
    size bigint NOT NULL,
    stop_id int NOT NULL REFERENCES class_stop,
    noticed_at timestamptz NOT NULL,
    recovered int NOT NULL DEFAULT 0,
    recovered_at timestamptz,
    ended_at timestamptz
);

CREATE TABLE carrier_bill (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    day date NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    at timestamptz NOT NULL,
    findings int NOT NULL,
    UNIQUE (carrier, day, sha256)
);

CREATE TABLE carrier_bill_line (
    bill_id int NOT NULL REFERENCES carrier_bill,
    port text NOT NULL,
    billed bigint NOT NULL,
    accepted bigint NOT NULL,
    unsure bigint NOT NULL,
    refused bigint NOT NULL,
    finding text NOT NULL DEFAULT ''
        CHECK (finding IN ('', 'beside_ledger', 'not_billed', 'unknown_port')),
    PRIMARY KEY (bill_id, port)
);
