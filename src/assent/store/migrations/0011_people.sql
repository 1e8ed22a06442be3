-- The people who act: how they prove who they are, their sessions and roles, mail to them, and the
-- vault's mark. Customers' link secrets are sealed from now on (in code, when a process starts).
-- Why: who may send begins with who may act; what proves it must not lie open in the database.
-- Old code on this schema: finds no secret of a customer's link once new code has sealed it.

CREATE TABLE vault_mark (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    mark bytea NOT NULL
);

ALTER TABLE customer_link ALTER COLUMN secret DROP NOT NULL;
ALTER TABLE customer_link ADD COLUMN sealed bytea;
ALTER TABLE customer_link ADD CONSTRAINT customer_link_one_secret
    CHECK ((secret IS NULL) <> (sealed IS NULL));

ALTER TABLE actor ADD COLUMN password text;
ALTER TABLE actor ADD COLUMN phone_sealed bytea;
ALTER TABLE actor ADD COLUMN phone_digest bytea;
ALTER TABLE actor ADD COLUMN phone_verified_at timestamptz;
ALTER TABLE actor ADD COLUMN totp_sealed bytea;
ALTER TABLE actor ADD COLUMN totp_on_at timestamptz;
ALTER TABLE actor ADD COLUMN totp_step bigint NOT NULL DEFAULT 0;

ALTER TABLE api_key ADD COLUMN name text NOT NULL DEFAULT '';

CREATE TABLE actor_role (
    account_id int NOT NULL REFERENCES account,
    actor_id int NOT NULL REFERENCES actor,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, actor_id, role)
);
CREATE INDEX actor_role_actor ON actor_role (actor_id);

CREATE TABLE recovery_code (
    actor_id int NOT NULL REFERENCES actor,
    digest bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (actor_id, digest)
);

CREATE TABLE actor_token (
    digest bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sign_up', 'invitation', 'reset', 'phone')),
    actor_id int REFERENCES actor,
    account_id int REFERENCES account,
    sealed bytea NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX actor_token_until ON actor_token (until);
CREATE INDEX actor_token_actor ON actor_token (actor_id) WHERE actor_id IS NOT NULL;

CREATE TABLE actor_session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    actor_id int NOT NULL REFERENCES actor,
    account_id int REFERENCES account,
    began_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    raised_until timestamptz NOT NULL,
    factor boolean NOT NULL,
    network text NOT NULL,
    ended_at timestamptz
);
CREATE INDEX actor_session_actor ON actor_session (actor_id, began_at);

CREATE TABLE throttle (
    kind text NOT NULL,
    mark bytea NOT NULL,
    failures int NOT NULL,
    until timestamptz NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (kind, mark)
);
CREATE INDEX throttle_at ON throttle (at);

CREATE TABLE mail_out (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    due timestamptz NOT NULL,
    tries int NOT NULL DEFAULT 0,
    name text NOT NULL UNIQUE,
    sealed bytea NOT NULL
);
CREATE INDEX mail_out_due ON mail_out (due);
