-- The key that signs the ledger's checkpoints.
-- Why: the platform seals its ledger by itself from its first start on.
-- Old code on this schema: does not know of it, and seals nothing.

CREATE TABLE ledger_key (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    origin text NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL
);
