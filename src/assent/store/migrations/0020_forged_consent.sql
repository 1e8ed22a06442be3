-- Imports of consents are checked, wait, are audited, and voided where nobody had agreed.
-- Why: what a customer asserts is graded and checked (docs/consent-checks.md).
-- Old code on this schema: imports as ever, unchecked; such imports count as opened.

CREATE INDEX entry_corrected ON entry (person_id) WHERE kind = 8;

ALTER TABLE wording ADD COLUMN first_at timestamptz;

ALTER TABLE consent_import
    ADD COLUMN grade smallint NOT NULL DEFAULT 0,
    ADD COLUMN key_id int NOT NULL DEFAULT 0,
    ADD COLUMN actor_id int,
    ADD COLUMN lot int NOT NULL DEFAULT 0,
    ADD COLUMN state text NOT NULL DEFAULT 'opened' CONSTRAINT consent_import_state
        CHECK (state IN ('review', 'open', 'opened', 'refused', 'voiding', 'voided')),
    ADD COLUMN findings jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN voided_at timestamptz,
    ADD COLUMN paused bigint[] NOT NULL DEFAULT '{}';
CREATE INDEX consent_import_lot ON consent_import (lot);
CREATE INDEX consent_import_account ON consent_import (account_id, id);
CREATE INDEX consent_import_programme ON consent_import (programme_id, id);
CREATE INDEX consent_import_busy ON consent_import (id) WHERE state IN ('open', 'voiding');

-- Consents on their way into the ledger, and where they went: entries that differ only in person
-- and time, a thousand a row. review → open → opened; voiding → voided (flow/waiting.py, voiding.py).
CREATE TABLE consent_waiting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id int REFERENCES consent_import, -- NULL: given by the receiver herself
    template bytea NOT NULL,  -- canonical bytes of the entry for person 1
    people bytea NOT NULL,    -- u32 person ids, ascending
    times bytea NOT NULL,     -- u64 milliseconds
    look_at timestamptz,      -- when to look whether it may be opened; NULL: not until told
    asked_at timestamptz,     -- when some of them were chosen to be asked first
    opened_at timestamptz,
    first_position bigint,    -- of its entries in the ledger, which follow each other
    opened int NOT NULL DEFAULT 0, -- how many
    voided_at timestamptz
);
CREATE INDEX consent_waiting_import ON consent_waiting (import_id, id);
CREATE INDEX consent_waiting_due ON consent_waiting (look_at)
    WHERE opened_at IS NULL AND look_at IS NOT NULL;

-- Questions of the operator to people of whom somebody says that they agreed. Silence is no answer.
CREATE TABLE consent_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id int NOT NULL REFERENCES consent_import,
    waiting_id bigint NOT NULL REFERENCES consent_waiting,
    person_id int NOT NULL,
    before_opening boolean NOT NULL, -- the row waits for the answer
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'yes', 'never', 'refused', 'unclear',
        'silent', 'unroutable', 'cancelled')),
    due_at timestamptz NOT NULL,     -- not before; nobody can foresee it
    message_id bigint,
    sent_at timestamptz,
    expires_at timestamptz,
    answered_at timestamptz,
    reply_id bigint
);
CREATE INDEX consent_audit_import ON consent_audit (import_id);
CREATE INDEX consent_audit_chunk ON consent_audit (waiting_id);
CREATE INDEX consent_audit_person ON consent_audit (person_id, due_at);
CREATE INDEX consent_audit_waiting ON consent_audit (due_at) WHERE state = 'waiting';
CREATE INDEX consent_audit_sent ON consent_audit (person_id, expires_at) WHERE state = 'sent';
CREATE INDEX consent_audit_never ON consent_audit (import_id) WHERE state = 'never';

-- What the platform follows up. Consents that nobody gave are the first kind; others come with the
-- handling of complaints.
CREATE TABLE consent_case (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT consent_case_kind CHECK (kind IN ('forged_consent')),
    import_id int NOT NULL REFERENCES consent_import,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    evidence jsonb NOT NULL, -- {by: audit | complaint | staff, audit, reply, words, ...}: no number
    state text NOT NULL CONSTRAINT consent_case_state CHECK (state IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX consent_case_import ON consent_case (import_id) WHERE state = 'open';
