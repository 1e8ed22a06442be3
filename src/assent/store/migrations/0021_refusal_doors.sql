-- Refusals by reply and by file: what replies were read with, customers' keywords, answers to HELP,
-- files of a regulator or carrier, and confirmations that one carrier refused and another may take.
-- Why: docs/refusals.md.
-- Old code on this schema: reads replies as ever and notes no set; a confirmation that its carrier
-- refused stays attempted, and is looked at by new code only while it is young.

ALTER TABLE reply
    ADD COLUMN keyword_set text NOT NULL DEFAULT '',
    ADD COLUMN keyword_digest bytea,
    ADD COLUMN keyword text NOT NULL DEFAULT '',
    ADD COLUMN read_as text NOT NULL DEFAULT '';

ALTER TABLE confirmation
    DROP CONSTRAINT confirmation_state_check,
    ADD CONSTRAINT confirmation_state_check
        CHECK (state IN ('waiting', 'attempted', 'unroutable', 'refused')),
    ADD COLUMN tried text[] NOT NULL DEFAULT '{}',
    ADD COLUMN answered boolean NOT NULL DEFAULT false;
CREATE INDEX confirmation_unanswered ON confirmation (attempted_at)
    WHERE state = 'attempted' AND NOT answered;

CREATE TABLE port_keyword (
    number text NOT NULL,
    sender_id int NOT NULL REFERENCES sender,
    word text NOT NULL,
    written text NOT NULL,
    account_id int NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (number, sender_id, word)
);

CREATE TABLE help_answer (
    id bigint PRIMARY KEY,
    person_id int NOT NULL,
    destination text NOT NULL,
    names text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'attempted', 'unroutable')),
    message_id bigint,
    created_at timestamptz NOT NULL,
    attempted_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX help_answer_waiting ON help_answer (id) WHERE state = 'waiting';
CREATE INDEX help_answer_person ON help_answer (person_id, created_at);

CREATE TABLE refusal_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL CHECK (origin IN ('regulator', 'carrier')),
    source text NOT NULL,
    dated date NOT NULL,
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    scope text NOT NULL,
    rows int NOT NULL,
    accepted int NOT NULL,
    faults jsonb NOT NULL,
    done boolean NOT NULL,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int
);
