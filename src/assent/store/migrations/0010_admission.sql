-- Admission: legal entities, their papers, who acts for whom, and who acts for an account.
-- Why: a message leaves only over a complete chain (docs/design/2026-11-22-admission.md); these are
-- the tables that its links stand in. Later migrations add what single desks need.
-- Old code on this schema: files senders without an entity, which the new code then sends nothing for.

CREATE TABLE entity (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credit_code text NOT NULL UNIQUE,
    legal_name text NOT NULL,
    kind text NOT NULL
        CHECK (kind IN ('company', 'sole_trader', 'public_body', 'organisation', 'foreign')),
    industry text NOT NULL DEFAULT '',
    founded_on date,
    website text NOT NULL DEFAULT '',
    mail_domain text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'suspended', 'revoked')),
    created_at timestamptz NOT NULL
);

CREATE TABLE paper_file (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    media_type text NOT NULL,
    octets int NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE paper_file ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE document (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id int NOT NULL REFERENCES entity,
    kind text NOT NULL,
    number text NOT NULL DEFAULT '',
    holder text NOT NULL DEFAULT '',
    scope text[] NOT NULL DEFAULT '{}',
    facts jsonb NOT NULL DEFAULT '{}',
    valid_from date,
    valid_to date,
    file_sha256 bytea REFERENCES paper_file,
    state text NOT NULL
        CHECK (state IN ('in_process', 'submitted', 'accepted', 'refused', 'withdrawn')),
    seen text NOT NULL DEFAULT 'none'
        CHECK (seen IN ('none', 'scan', 'paper', 'call_back', 'signature', 'register')),
    provisional_until date,
    account_id int REFERENCES account,
    created_at timestamptz NOT NULL
);
CREATE INDEX document_entity ON document (entity_id, kind);

CREATE TABLE document_sight (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id bigint NOT NULL REFERENCES document,
    way text NOT NULL CHECK (way IN ('scan', 'paper', 'call_back', 'signature', 'register')),
    at timestamptz NOT NULL,
    by_whom text NOT NULL,
    key_id int,
    evidence jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX document_sight_document ON document_sight (document_id, id);

CREATE TABLE authorisation (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal_id int NOT NULL REFERENCES entity,
    agent_id int NOT NULL REFERENCES entity,
    via_id int REFERENCES authorisation,
    document_id bigint REFERENCES document,
    purposes smallint NOT NULL,
    signatures text[] NOT NULL DEFAULT '{}',
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    state text NOT NULL CHECK (state IN ('submitted', 'accepted', 'refused', 'revoked')),
    created_at timestamptz NOT NULL,
    CHECK (principal_id <> agent_id),
    CHECK (valid_to >= valid_from)
);
CREATE INDEX authorisation_agent ON authorisation (agent_id, principal_id);

CREATE TABLE class_stop (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    industries text[] NOT NULL DEFAULT '{}',
    purposes smallint NOT NULL DEFAULT 0,
    except_licensed boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    lifted_at timestamptz
);

CREATE TABLE actor (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'locked', 'closed')),
    created_at timestamptz NOT NULL
);

ALTER TABLE account DROP CONSTRAINT account_status_check;
ALTER TABLE account ADD CONSTRAINT account_status_check
    CHECK (status IN ('applied', 'provisional', 'active', 'suspended', 'closed'));
ALTER TABLE account ADD COLUMN entity_id int REFERENCES entity;
ALTER TABLE account ADD COLUMN class text NOT NULL DEFAULT 'ordinary'
    CHECK (class IN ('ordinary', 'organisation'));
ALTER TABLE sender ADD COLUMN entity_id int REFERENCES entity;
ALTER TABLE api_key ADD COLUMN actor_id int REFERENCES actor;
ALTER TABLE api_key ADD COLUMN allowed text[] NOT NULL DEFAULT '{}';
ALTER TABLE staff_act ADD COLUMN actor_id int;

ALTER TABLE port DROP CONSTRAINT port_status_check;
ALTER TABLE port ADD CONSTRAINT port_status_check CHECK (status IN
    ('applied', 'filed', 'active', 'paused', 'suspended', 'revoked', 'cooling', 'recycled'));
ALTER TABLE template DROP CONSTRAINT template_status_check;
ALTER TABLE template ADD CONSTRAINT template_status_check
    CHECK (status IN ('submitted', 'active', 'refused', 'withdrawn'));

INSERT INTO entity (credit_code, legal_name, kind, industry, created_at)
    SELECT credit_code, legal_name, 'company', industry, created_at FROM sender ORDER BY id;
UPDATE sender SET entity_id = e.id FROM entity e WHERE e.credit_code = sender.credit_code;
