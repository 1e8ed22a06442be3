-- What a consent carries, the words that people agreed to, and questions by SMS whether they agree.
-- Why: a consent is worth what shows it: how, when and from where it came, in which words.
-- Old code on this schema: imports as before; what it imports carries nothing more than it did.

ALTER TABLE wording ADD COLUMN words text;
ALTER TABLE wording ADD COLUMN sha256 bytea;
ALTER TABLE wording ADD COLUMN first_used timestamptz;

ALTER TABLE consent_import ADD COLUMN wording_id int REFERENCES wording;
ALTER TABLE consent_import ADD COLUMN how text;
ALTER TABLE consent_import ADD COLUMN declared text[] NOT NULL DEFAULT '{}';
ALTER TABLE consent_import ADD COLUMN evidence_sha256 bytea;
ALTER TABLE consent_import ADD COLUMN statement text;
ALTER TABLE consent_import ADD COLUMN statement_sha256 bytea;
CREATE INDEX consent_import_statement ON consent_import (programme_id, statement_sha256);

CREATE TABLE consent_proof (
    import_id int NOT NULL REFERENCES consent_import,
    person_id int NOT NULL,
    place_sealed bytea,
    place_digest bytea,
    evidence_sha256 bytea,
    PRIMARY KEY (import_id, person_id)
);
CREATE INDEX consent_proof_place ON consent_proof (place_digest) WHERE place_digest IS NOT NULL;
CREATE INDEX consent_proof_person ON consent_proof (person_id);

CREATE TABLE consent_session (
    token_digest bytea PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    programme_id int NOT NULL REFERENCES programme,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX consent_session_expires ON consent_session (expires_at);

CREATE TABLE consent_request (
    id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    programme_id int NOT NULL REFERENCES programme,
    number_sealed bytea,
    number_digest bytea NOT NULL,
    person_id int,
    basis text NOT NULL CHECK (basis IN ('session', 'document')),
    session_digest bytea UNIQUE,
    document_id bigint REFERENCES document,
    place_sealed bytea,
    place_digest bytea,
    state text NOT NULL CHECK (state IN
        ('taken', 'unasked', 'unroutable', 'sent', 'agreed', 'refused', 'lapsed')),
    why text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '',
    wording_id int REFERENCES wording,
    message_id bigint,
    requested bigint,
    taken_at timestamptz NOT NULL,
    sent_at timestamptz,
    expires_at timestamptz,
    answered_at timestamptz,
    CHECK ((basis = 'session') = (session_digest IS NOT NULL)),
    CHECK ((basis = 'document') = (document_id IS NOT NULL))
);
CREATE INDEX consent_request_taken ON consent_request (id) WHERE state = 'taken';
CREATE INDEX consent_request_person ON consent_request (person_id, sent_at);
CREATE INDEX consent_request_sent ON consent_request (expires_at) WHERE state = 'sent';
CREATE INDEX consent_request_sender ON consent_request (sender_id, sent_at);
CREATE INDEX consent_request_agreed ON consent_request (account_id, answered_at)
    WHERE state = 'agreed';
CREATE INDEX consent_request_document ON consent_request (document_id)
    WHERE document_id IS NOT NULL;

CREATE TABLE asking_stop (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    at timestamptz NOT NULL,
    asked int NOT NULL,
    agreed int NOT NULL,
    released_at timestamptz
);
CREATE UNIQUE INDEX asking_stop_standing ON asking_stop (sender_id) WHERE released_at IS NULL;
