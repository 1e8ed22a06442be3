-- Admission as a person meets it: applications, persons behind entities, the review desk, imported
-- registers, the graph of what entities have in common, warnings before papers end.
-- Why: papers are handed in, seen and decided here (docs/front-door.md).
-- Old code on this schema: knows none of these tables.

-- What an account says of an entity that it wants to act for: its own (`account`) or one to send for
-- (`sender`). The entity's own row takes the words over once they are approved.
CREATE TABLE application (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    entity_id int NOT NULL REFERENCES entity,
    about text NOT NULL CHECK (about IN ('account', 'sender')),
    claims jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('submitted', 'approved', 'refused')),
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, entity_id, about)
);
CREATE INDEX application_entity ON application (entity_id);

-- A natural person behind an entity, as an account names it. Who it is lies sealed (flow/vault.py);
-- the digests find the same person elsewhere.
CREATE TABLE entity_person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id int NOT NULL REFERENCES entity,
    account_id int NOT NULL REFERENCES account,
    role text NOT NULL CHECK (role IN ('legal', 'responsible', 'operator')),
    person bytea NOT NULL,      -- digest of the identity number
    name bytea NOT NULL,        -- digest of the name
    phone bytea NOT NULL,       -- digest of the telephone
    sealed bytea NOT NULL,
    matched text NOT NULL DEFAULT 'unknown' CHECK (matched IN ('yes', 'no', 'unknown')),
    match_source text NOT NULL DEFAULT '', -- what says so
    findings text[] NOT NULL DEFAULT '{}', -- what is odd about the number (registry/findings.py)
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX entity_person_once ON entity_person (entity_id, account_id, role, person)
    WHERE ended_at IS NULL;

-- Something that a person of the staff has to decide, or two of them.
CREATE TABLE review_item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,               -- account sender document letter, and what other rooms bring
    subject bigint NOT NULL,          -- its id among those of its kind
    account_id int REFERENCES account,
    entity_id int REFERENCES entity,
    reviewers smallint NOT NULL CHECK (reviewers IN (1, 2)),
    reasons jsonb NOT NULL DEFAULT '[]', -- why it lies here: {code, en, zh}
    signals jsonb NOT NULL DEFAULT '[]', -- what an old hand would look at: {code, en, zh, ...}
    state text NOT NULL
        CHECK (state IN ('open', 'asked', 'second', 'approved', 'refused', 'withdrawn')),
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    first_key int,                    -- who agreed first, where two must
    first_actor int,
    first_at timestamptz,
    last_key int,                     -- who decided
    last_actor int,
    decided_at timestamptz,
    code text NOT NULL DEFAULT ''     -- a word of registry/decisions.py
);
CREATE UNIQUE INDEX review_item_open ON review_item (kind, subject)
    WHERE state IN ('open', 'asked', 'second');
CREATE INDEX review_item_due ON review_item (due_at, id) WHERE state IN ('open', 'asked', 'second');
CREATE INDEX review_item_account ON review_item (account_id, id);
CREATE INDEX review_item_entity ON review_item (entity_id, id);

-- What was asked, answered and decided. It only grows.
CREATE TABLE review_word (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id bigint NOT NULL REFERENCES review_item,
    at timestamptz NOT NULL,
    verb text NOT NULL CHECK (verb IN ('ask', 'answer', 'approve', 'refuse', 'withdraw')),
    account_id int NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    code text NOT NULL DEFAULT '',
    words text NOT NULL DEFAULT ''
);
CREATE INDEX review_word_item ON review_word (item_id, id);

-- A register that was imported, as its source gave it on a day.
CREATE TABLE register_file (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('business', 'telecom', 'icp', 'finance', 'trademark')),
    source text NOT NULL,
    dated date NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    rows int NOT NULL,
    imported_at timestamptz NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    UNIQUE (kind, sha256)
);

CREATE TABLE register_row (
    file_id int NOT NULL REFERENCES register_file,
    place int NOT NULL,                      -- its row in the file
    credit_code text NOT NULL DEFAULT '',
    number text NOT NULL DEFAULT '',         -- of the licence, filing or mark
    name text NOT NULL DEFAULT '',           -- of the holder
    phone text NOT NULL DEFAULT '',          -- the holder's public telephone, digits only
    facts jsonb NOT NULL DEFAULT '{}',       -- persons as digests only
    PRIMARY KEY (file_id, place)
);
CREATE INDEX register_row_code ON register_row (credit_code) WHERE credit_code <> '';
CREATE INDEX register_row_number ON register_row (number) WHERE number <> '';

-- What entities have in common: persons, telephones, addresses, files, hosts, payers. Persons and
-- telephones stand here as digests.
CREATE TABLE graph_node (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    mark bytea NOT NULL CHECK (length(mark) = 32),
    label text NOT NULL DEFAULT '',          -- for people; '' for what must not lie open
    UNIQUE (kind, mark)
);

CREATE TABLE graph_edge (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id int NOT NULL REFERENCES entity,
    node_id bigint NOT NULL REFERENCES graph_node,
    relation text NOT NULL,                  -- legal, officer, former_officer, address, file, ...
    source text NOT NULL,                    -- where that is known from
    since timestamptz NOT NULL,
    UNIQUE (entity_id, node_id, relation, source)
);
CREATE INDEX graph_edge_node ON graph_edge (node_id, entity_id);

-- Of which end of a paper or letter was warned, and how many days before.
CREATE TABLE expiry_warning (
    what text NOT NULL CHECK (what IN ('document', 'letter')),
    subject bigint NOT NULL,
    valid_to date NOT NULL,
    days smallint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (what, subject, valid_to, days)
);

CREATE FUNCTION admission_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was seen and said of admission is append-only'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER document_sight_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_sight
    FOR EACH STATEMENT EXECUTE FUNCTION admission_is_append_only();
CREATE TRIGGER review_word_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_word
    FOR EACH STATEMENT EXECUTE FUNCTION admission_is_append_only();
