-- Audiences chosen from consent, labels, and customers' signed instructions.
-- Why: an audience need not be handed in where the ledger says who agreed (docs/audiences.md).
-- Old code on this schema: uploads audiences and orders campaigns as ever.

ALTER TABLE audience ADD COLUMN built jsonb;

CREATE TABLE label (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    programme_id int NOT NULL REFERENCES programme,
    name text NOT NULL,
    kind text NOT NULL,
    origin text NOT NULL,
    people int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE label_chunk (
    label_id int NOT NULL REFERENCES label ON DELETE CASCADE,
    number int NOT NULL,
    first int NOT NULL,
    last int NOT NULL,
    people bytea NOT NULL,
    PRIMARY KEY (label_id, number)
);

CREATE TABLE audience_day (
    day int PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE audience_count (
    account_id int NOT NULL,
    day int NOT NULL,
    digest bytea NOT NULL,
    people int NOT NULL,
    PRIMARY KEY (account_id, day, digest)
);

CREATE TABLE instruction (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    file_sha256 bytea NOT NULL REFERENCES paper_file,
    words text NOT NULL,
    signed_on date NOT NULL,
    by_account int NOT NULL,
    by_key int NOT NULL,
    by_actor int,
    created_at timestamptz NOT NULL
);

ALTER TABLE campaign ADD COLUMN instruction_id bigint UNIQUE REFERENCES instruction;
