-- The Merkle tree over the ledger, and what was signed of it.
-- Why: an entry counts as evidence when the tree that holds it is signed (docs/ledger.md).
-- Old code on this schema: appends entries as ever; they are sealed by who comes next.

CREATE TABLE ledger_tile (
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, number)
) WITH (fillfactor = 70);
ALTER TABLE ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE ledger_checkpoint (
    size bigint PRIMARY KEY,
    root bytea NOT NULL CHECK (length(root) = 32),
    note text NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE ledger_witness (
    name text PRIMARY KEY,
    size bigint NOT NULL,
    note text NOT NULL,
    at timestamptz NOT NULL
);
