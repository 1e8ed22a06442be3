-- Code numbers and ports from application to recycling, signatures, versions of templates, filed
-- hosts, invitations to organisations' members.
-- Why: a message leaves from a port that was applied for, filed by its carrier and is in force, with
-- a signature in use, by an approved version of a template (docs/ports.md, docs/templates.md).
-- Old code on this schema: cannot file ports and templates anew (its ON CONFLICT names constraints
-- that are indexes now); sends as before.

CREATE TABLE code_number (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{3,20}$'),
    carriers text[] NOT NULL,
    scope text NOT NULL,
    ranges text[] NOT NULL,
    purposes smallint NOT NULL,
    free_to_reply boolean NOT NULL,
    document_id bigint REFERENCES document,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'closed')),
    created_at timestamptz NOT NULL
);

CREATE TABLE port_application (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    code_number_id int NOT NULL REFERENCES code_number,
    number text NOT NULL CHECK (number ~ '^[0-9]{3,20}$'),
    carriers text[] NOT NULL,
    purpose smallint NOT NULL,
    signature text NOT NULL,
    programme_id int REFERENCES programme,
    state text NOT NULL CHECK (state IN ('submitted', 'approved', 'refused', 'withdrawn')),
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    decided_at timestamptz
);
CREATE INDEX port_application_account ON port_application (account_id, id);
CREATE INDEX port_application_open ON port_application (number) WHERE state = 'submitted';

ALTER TABLE port DROP CONSTRAINT port_number_carrier_sender_id_key;
ALTER TABLE port ADD COLUMN code_number_id int REFERENCES code_number;
ALTER TABLE port ADD COLUMN application_id int REFERENCES port_application;
ALTER TABLE port ADD COLUMN filing text NOT NULL DEFAULT 'filed'
    CONSTRAINT port_filing CHECK (filing IN ('none', 'submitted', 'filed', 'refused'));
ALTER TABLE port ADD COLUMN filing_reference text NOT NULL DEFAULT '';
ALTER TABLE port ADD COLUMN filing_submitted_on date;
ALTER TABLE port ADD COLUMN filing_answered_on date;
ALTER TABLE port ADD COLUMN revoked_on date;
ALTER TABLE port ADD COLUMN cooling_until date;
ALTER TABLE port ADD COLUMN answers boolean NOT NULL DEFAULT true;
CREATE UNIQUE INDEX port_in_use ON port (number, carrier, sender_id) NULLS NOT DISTINCT
    WHERE status <> 'recycled';

CREATE FUNCTION port_keeps_its_purpose() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a port keeps its number, purpose and sender'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER port_purpose BEFORE UPDATE ON port FOR EACH ROW
    WHEN ((OLD.number, OLD.carrier, OLD.purpose, OLD.sender_id)
        IS DISTINCT FROM (NEW.number, NEW.carrier, NEW.purpose, NEW.sender_id))
    EXECUTE FUNCTION port_keeps_its_purpose();

CREATE TABLE port_step (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    port_id int NOT NULL REFERENCES port,
    at timestamptz NOT NULL,
    step text NOT NULL,
    status text NOT NULL,
    filing text NOT NULL,
    reason text NOT NULL,
    account_id int,
    key_id int,
    actor_id int
);
CREATE INDEX port_step_port ON port_step (port_id, id);

CREATE FUNCTION port_step_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what happened to a port is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER port_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON port_step
    FOR EACH STATEMENT EXECUTE FUNCTION port_step_is_append_only();

CREATE TABLE signature (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    words text NOT NULL,
    source text NOT NULL
        CHECK (source IN ('full_name', 'short_name', 'trade_mark', 'app', 'register')),
    document_id bigint REFERENCES document,
    account_id int REFERENCES account,
    state text NOT NULL
        CHECK (state IN ('submitted', 'active', 'refused', 'lapsed', 'withdrawn')),
    flags jsonb NOT NULL DEFAULT '[]',
    reason text NOT NULL DEFAULT '',
    last_used_on date,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    UNIQUE (sender_id, words)
);
CREATE UNIQUE INDEX signature_held ON signature (words) WHERE state IN ('submitted', 'active');

INSERT INTO signature (sender_id, words, source, state, created_at)
    SELECT DISTINCT ON (signature) sender_id, signature, 'register', 'active', created_at
    FROM port WHERE sender_id IS NOT NULL AND signature <> '' ORDER BY signature, id;

ALTER TABLE template DROP CONSTRAINT template_sender_id_name_key;
ALTER TABLE template DROP CONSTRAINT template_status_check;
ALTER TABLE template ADD CONSTRAINT template_status_check
    CHECK (status IN ('submitted', 'active', 'refused', 'withdrawn', 'replaced'));
ALTER TABLE template ADD COLUMN version int NOT NULL DEFAULT 1;
ALTER TABLE template ADD COLUMN account_id int REFERENCES account;
ALTER TABLE template ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE template ADD COLUMN decided_at timestamptz;
ALTER TABLE template ADD CONSTRAINT template_version UNIQUE (sender_id, name, version);
CREATE UNIQUE INDEX template_in_use ON template (sender_id, name) WHERE status = 'active';
ALTER TABLE campaign ADD COLUMN template_id int;

CREATE TABLE filed_host (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    host text NOT NULL,
    state text NOT NULL CHECK (state IN ('submitted', 'active', 'refused', 'withdrawn')),
    account_id int REFERENCES account,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    UNIQUE (sender_id, host)
);

CREATE TABLE member_invitation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    programme_id int NOT NULL REFERENCES programme,
    person_id int NOT NULL,
    state text NOT NULL
        CHECK (state IN ('waiting', 'sent', 'agreed', 'refused', 'lapsed', 'unroutable')),
    code text NOT NULL DEFAULT '',
    token_digest bytea UNIQUE,
    message_id bigint,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    expires_at timestamptz NOT NULL,
    answered_at timestamptz
);
CREATE INDEX member_invitation_waiting ON member_invitation (id) WHERE state = 'waiting';
CREATE INDEX member_invitation_open ON member_invitation (person_id)
    WHERE state IN ('waiting', 'sent');
CREATE INDEX member_invitation_person ON member_invitation (person_id, created_at);
