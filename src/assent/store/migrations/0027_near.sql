-- Signatures of texts, orders drawn as groups, fingerprints exchanged with other platforms.
-- Why: the same script under many names is seen on its first day.
-- Old code on this schema: neither writes nor reads these tables.

CREATE TABLE text_print (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    signature bytea NOT NULL UNIQUE CHECK (length(signature) = 96),
    letters int NOT NULL,
    family bigint NOT NULL,
    category text NOT NULL DEFAULT '',
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    refused_at timestamptz
);

CREATE INDEX text_print_family ON text_print (family);
CREATE TABLE text_use (
    print_id bigint NOT NULL REFERENCES text_print ON DELETE CASCADE,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    what text NOT NULL CHECK (what IN ('template', 'campaign', 'order')),
    purpose smallint NOT NULL,
    first_subject bigint NOT NULL,
    last_subject bigint NOT NULL,
    uses bigint NOT NULL,
    marks text[] NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (print_id, account_id, sender_id, what)
);

CREATE INDEX text_use_last ON text_use (last_at);
CREATE INDEX text_use_subject ON text_use (what, first_subject);
CREATE TABLE order_group (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('open', 'lawful', 'harmful')),
    parties int NOT NULL,
    accounts int NOT NULL,
    copies int NOT NULL,
    reasons jsonb NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    found_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_parties int NOT NULL DEFAULT 0
);

CREATE TABLE order_group_member (
    group_id int NOT NULL REFERENCES order_group,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    since timestamptz NOT NULL,
    PRIMARY KEY (group_id, account_id, sender_id)
);

CREATE INDEX order_group_member_account ON order_group_member (account_id);
CREATE TABLE fingerprint_key (
    name text PRIMARY KEY,
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL
);

CREATE TABLE fingerprint_peer (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    key text NOT NULL,
    added_at timestamptz NOT NULL,
    removed_at timestamptz
);

CREATE UNIQUE INDEX fingerprint_peer_standing ON fingerprint_peer (name) WHERE removed_at IS NULL;
CREATE TABLE fingerprint_source (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    peer_id int NOT NULL REFERENCES fingerprint_peer,
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    made_on date NOT NULL,
    rows int NOT NULL,
    imported_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    why text NOT NULL DEFAULT ''
);

CREATE TABLE fingerprint (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id int NOT NULL REFERENCES fingerprint_source,
    signature bytea NOT NULL CHECK (length(signature) = 96),
    category text NOT NULL,
    refused boolean NOT NULL,
    uses int NOT NULL,
    first_on date NOT NULL,
    last_on date NOT NULL,
    UNIQUE (source_id, signature)
);

CREATE TABLE text_known (
    print_id bigint NOT NULL REFERENCES text_print ON DELETE CASCADE,
    fingerprint_id bigint NOT NULL REFERENCES fingerprint ON DELETE CASCADE,
    similarity real NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (print_id, fingerprint_id)
);

