-- The whole schema. Migrations must add up to exactly this (tests/store/test_migrate.py).
--
-- Reading aid. Rows that come in bulk are columnar: a batch of up to 1,024 messages is one
-- row whose bytea columns hold one little-endian number a message (u8, u16, u32, u64). The
-- views and functions at the end unpack them, so everything can be read with psql. Immutable
-- rows (batch, attempt_window, window_result, receipt_log, slot_end) are never updated; what
-- changes (queue, open_window, balance) is kept in small tables beside them.
--
-- Locks (advisory, transaction scope unless said): class 1 = standing of a group (0 = whole
-- platform), class 2 = caps of a sender or of a shard of people, class 3 = fence of an epoch,
-- 4711 = an epoch is alive (session scope), (4712, 1) = somebody migrates, (4712, 3) = seals,
-- (4712, 2) = somebody makes partitions, (4712, 33) = somebody changes counts an hour, class 4 = a
-- person is being asked. Order: 3, then 1
-- ascending, then 2 ascending, then 4 ascending, then the row of entry_position last.

-- Who sends -------------------------------------------------------------------------------

-- A legal entity: an applicant, a sender, an agent, the operator itself.
CREATE TABLE entity (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credit_code text NOT NULL UNIQUE, -- unified social credit code, or a foreign number
    legal_name text NOT NULL,
    kind text NOT NULL
        CHECK (kind IN ('company', 'sole_trader', 'public_body', 'organisation', 'foreign')),
    industry text NOT NULL DEFAULT '', -- as admitted: a word of the table of qualifications
    founded_on date,
    website text NOT NULL DEFAULT '',
    mail_domain text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'suspended', 'revoked')),
    created_at timestamptz NOT NULL
);

-- What was handed in, each file once, sealed (flow/vault.py). Limits of uploads bound it.
CREATE TABLE paper_file (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32), -- of the octets as handed in
    media_type text NOT NULL,                             -- by their content
    octets int NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE paper_file ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE account (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('company', 'agent', 'operator')),
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('applied', 'provisional', 'active', 'suspended', 'closed')),
    price_micro bigint NOT NULL CHECK (price_micro >= 0), -- micro-yuan a segment
    created_at timestamptz NOT NULL,
    price_video_micro bigint CHECK (price_video_micro >= 0), -- a message; NULL: may send none
    entity_id int REFERENCES entity, -- whose account it is; NULL: not known, so it sends nothing
    class text NOT NULL DEFAULT 'ordinary' -- organisation: to its own members, and nothing else
        CHECK (class IN ('ordinary', 'organisation')),
    currency text NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'), -- of all its money
    parent_id int REFERENCES account -- whose sub-account it is
);

-- A paper of an entity: licence, certificate, letter, contract.
CREATE TABLE document (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id int NOT NULL REFERENCES entity,
    kind text NOT NULL,                   -- a word of the table of qualifications
    number text NOT NULL DEFAULT '',
    holder text NOT NULL DEFAULT '',      -- the name it shows
    scope text[] NOT NULL DEFAULT '{}',   -- what it allows, such as B25
    facts jsonb NOT NULL DEFAULT '{}',    -- what else it states; nothing about persons
    valid_from date,
    valid_to date,                        -- the last day; NULL: it names none
    file_sha256 bytea REFERENCES paper_file,
    state text NOT NULL
        CHECK (state IN ('in_process', 'submitted', 'accepted', 'refused', 'withdrawn')),
    seen text NOT NULL DEFAULT 'none'     -- the best sight so far
        CHECK (seen IN ('none', 'scan', 'paper', 'call_back', 'signature', 'register')),
    provisional_until date,               -- of a scan: how long it opens anything
    account_id int REFERENCES account,    -- who handed it in; NULL: staff
    created_at timestamptz NOT NULL
);
CREATE INDEX document_entity ON document (entity_id, kind);

-- Who saw a document in which way, and what shows it. It only grows.
CREATE TABLE document_sight (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id bigint NOT NULL REFERENCES document,
    way text NOT NULL CHECK (way IN ('scan', 'paper', 'call_back', 'signature', 'register')),
    at timestamptz NOT NULL,
    by_whom text NOT NULL,
    key_id int,
    evidence jsonb NOT NULL DEFAULT '{}'  -- number dialled, register file, certificate
);
CREATE INDEX document_sight_document ON document_sight (document_id, id);

-- A letter by which an entity lets another send in its name. `via_id`: the letter that the
-- principal's own agent holds, for the second link of a chain; there is no third.
CREATE TABLE authorisation (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal_id int NOT NULL REFERENCES entity,
    agent_id int NOT NULL REFERENCES entity,
    via_id int REFERENCES authorisation,
    document_id bigint REFERENCES document,
    purposes smallint NOT NULL,               -- mask of 1 << purpose
    signatures text[] NOT NULL DEFAULT '{}',  -- none: any of the principal's
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    state text NOT NULL CHECK (state IN ('submitted', 'accepted', 'refused', 'revoked')),
    created_at timestamptz NOT NULL,
    CHECK (principal_id <> agent_id),
    CHECK (valid_to >= valid_from)
);
CREATE INDEX authorisation_agent ON authorisation (agent_id, principal_id);

-- A class of traffic that is switched off for everybody.
CREATE TABLE class_stop (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    industries text[] NOT NULL DEFAULT '{}', -- none: all
    purposes smallint NOT NULL DEFAULT 0,    -- mask; 0: all
    except_licensed boolean NOT NULL DEFAULT false, -- who holds a licence of the industry goes on
    reason text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    lifted_at timestamptz
);

-- A natural person who acts for accounts: customers' people and staff.
CREATE TABLE actor (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE, -- small letters
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'locked', 'closed')),
    created_at timestamptz NOT NULL,
    password text,                -- argon2id, encoded; NULL: none was set yet
    phone_sealed bytea,           -- `actor.phone/ID`
    phone_digest bytea,           -- by which equal numbers are found (Vault.digest)
    phone_verified_at timestamptz,
    totp_sealed bytea,            -- `actor.totp/ID`
    totp_on_at timestamptz,       -- NULL: not confirmed, so not asked for
    totp_step bigint NOT NULL DEFAULT 0 -- the last one that was used: none works twice
);

-- What a person may do in an account: words of flow/roles.py.
CREATE TABLE actor_role (
    account_id int NOT NULL REFERENCES account,
    actor_id int NOT NULL REFERENCES actor,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, actor_id, role)
);
CREATE INDEX actor_role_actor ON actor_role (actor_id);

-- For who lost the second factor: each works once.
CREATE TABLE recovery_code (
    actor_id int NOT NULL REFERENCES actor,
    digest bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (actor_id, digest)
);

-- What was mailed or sent to a person to prove an address with: digests, and once used gone.
CREATE TABLE actor_token (
    digest bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sign_up', 'invitation', 'reset', 'phone')),
    actor_id int REFERENCES actor,
    account_id int REFERENCES account,
    sealed bytea NOT NULL,       -- what it will do (JSON), `actor_token.sealed/DIGEST`
    until timestamptz NOT NULL
);
CREATE INDEX actor_token_until ON actor_token (until);
CREATE INDEX actor_token_actor ON actor_token (actor_id) WHERE actor_id IS NOT NULL;

CREATE TABLE actor_session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE, -- SHA-256 of the token of 256 random bits; changes with it
    actor_id int NOT NULL REFERENCES actor,
    account_id int REFERENCES account,
    began_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    raised_until timestamptz NOT NULL, -- until when it may change who may act
    factor boolean NOT NULL,           -- a second factor was shown
    network text NOT NULL,             -- where it began, for its owner to recognise
    ended_at timestamptz
);
CREATE INDEX actor_session_actor ON actor_session (actor_id, began_at);

-- Attempts that must become slow: who or what network tried (a digest), how often, until when it
-- has to wait.
CREATE TABLE throttle (
    kind text NOT NULL,
    mark bytea NOT NULL,
    failures int NOT NULL,
    until timestamptz NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (kind, mark)
);
CREATE INDEX throttle_at ON throttle (at);

-- Mail on its way to our mail server, gone when that has it.
CREATE TABLE mail_out (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    due timestamptz NOT NULL,
    tries int NOT NULL DEFAULT 0,
    name text NOT NULL UNIQUE,   -- its Message-ID, before the @
    sealed bytea NOT NULL        -- receiver, subject, text (JSON), `mail_out.sealed/NAME`
);
CREATE INDEX mail_out_due ON mail_out (due);

CREATE TABLE api_key (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    digest bytea NOT NULL UNIQUE, -- SHA-256 of the key; the key itself is shown once
    hint text NOT NULL,           -- its first characters, for people
    scopes text[] NOT NULL,
    sandbox boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    actor_id int REFERENCES actor,       -- who uses it; NULL: software
    allowed text[] NOT NULL DEFAULT '{}', -- networks that it may be used from; none: any
    name text NOT NULL DEFAULT ''
);

CREATE TABLE sender_group (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- 0 is never one: it means everyone
    name text NOT NULL UNIQUE
);

CREATE TABLE sender (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id int NOT NULL REFERENCES sender_group,
    credit_code text NOT NULL UNIQUE, -- unified social credit code, or a foreign number
    legal_name text NOT NULL,
    contact text NOT NULL,            -- telephone shown in commercial texts
    industry text NOT NULL,           -- what rules ask more of: finance, ... ; '' for none
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    created_at timestamptz NOT NULL,
    entity_id int REFERENCES entity
);

CREATE TABLE account_sender (
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    PRIMARY KEY (account_id, sender_id)
);

CREATE TABLE programme (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    name text NOT NULL,
    purposes smallint NOT NULL,   -- bit 1 << purpose
    kinds text NOT NULL,          -- what will be sent, in words (CN-09)
    frequency text NOT NULL,      -- how often, in words (CN-09)
    period text NOT NULL,         -- how long, in words (CN-09)
    wording_version text NOT NULL,
    channel text NOT NULL DEFAULT 'sms'
        CONSTRAINT programme_channel CHECK (channel IN ('sms', 'video')),
    created_at timestamptz NOT NULL,
    UNIQUE (sender_id, name)
);

-- A code number that the operator holds, and what may be given out of it.
CREATE TABLE code_number (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{3,20}$'),
    carriers text[] NOT NULL,
    scope text NOT NULL,             -- national, or the province where it may be used
    ranges text[] NOT NULL,          -- extensions LOW-HIGH; '-' is the number itself
    purposes smallint NOT NULL,      -- mask of 1 << purpose that its certificate allows
    free_to_reply boolean NOT NULL,
    document_id bigint REFERENCES document, -- its certificate
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'closed')),
    created_at timestamptz NOT NULL
);

-- What a customer asks for: an extension on some carriers, for one purpose. Approved, it becomes a
-- port a carrier.
CREATE TABLE port_application (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    code_number_id int NOT NULL REFERENCES code_number,
    number text NOT NULL CHECK (number ~ '^[0-9]{3,20}$'), -- with its extension
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

CREATE TABLE port (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL CHECK (number ~ '^[0-9]{3,20}$'),
    carrier text NOT NULL,
    sender_id int REFERENCES sender, -- NULL: the operator's own service port
    purpose smallint NOT NULL,
    signature text NOT NULL,         -- as filed, without the brackets
    programme_id int REFERENCES programme,
    free_to_reply boolean NOT NULL,
    service_code text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active' CHECK (status IN
        ('applied', 'filed', 'active', 'paused', 'suspended', 'revoked', 'cooling', 'recycled')),
    created_at timestamptz NOT NULL,
    signature_lapsed_at timestamptz, -- when the filing of its signature ended; NULL: in force
    code_number_id int REFERENCES code_number,     -- NULL: filed by the operator's register
    application_id int REFERENCES port_application,
    filing text NOT NULL DEFAULT 'filed' -- what its carrier has of it (CN-70)
        CONSTRAINT port_filing CHECK (filing IN ('none', 'submitted', 'filed', 'refused')),
    filing_reference text NOT NULL DEFAULT '', -- the carrier's
    filing_submitted_on date,
    filing_answered_on date,
    revoked_on date,
    cooling_until date,                    -- the day on which somebody may have it again
    answers boolean NOT NULL DEFAULT true  -- replies to it still concern its sender
);
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

-- What happened to a port, and who did it. It only grows.
CREATE TABLE port_step (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    port_id int NOT NULL REFERENCES port,
    at timestamptz NOT NULL,
    step text NOT NULL,
    status text NOT NULL, -- after it
    filing text NOT NULL,
    reason text NOT NULL,
    account_id int,       -- NULL: a date passed
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

-- A name that a sender may sign with. One that was not used for five months lapses (CN-74).
CREATE TABLE signature (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    words text NOT NULL,             -- without the brackets
    source text NOT NULL
        CHECK (source IN ('full_name', 'short_name', 'trade_mark', 'app', 'register')),
    document_id bigint REFERENCES document, -- what proves it
    account_id int REFERENCES account,
    state text NOT NULL
        CHECK (state IN ('submitted', 'active', 'refused', 'lapsed', 'withdrawn')),
    flags jsonb NOT NULL DEFAULT '[]', -- what a reviewer should look at: {code, en, zh}
    reason text NOT NULL DEFAULT '',
    last_used_on date,               -- filing counts as use; NULL: not counted yet
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    UNIQUE (sender_id, words)
);
CREATE UNIQUE INDEX signature_held ON signature (words) WHERE state IN ('submitted', 'active');

-- A version of a template: what is approved never changes, a change is a new version. At most one of
-- a name is in use; batches name the one they were made of.
CREATE TABLE template (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    name text NOT NULL,
    purpose smallint NOT NULL,
    body text NOT NULL,   -- with {name} or {name:type} where a variable goes
    basis text NOT NULL,  -- why the receiver gets this without standing; '' where consent is needed
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('submitted', 'active', 'refused', 'withdrawn', 'replaced')),
    created_at timestamptz NOT NULL,
    version int NOT NULL DEFAULT 1,
    account_id int REFERENCES account, -- who handed it in; NULL: the operator's register
    reason text NOT NULL DEFAULT '',
    decided_at timestamptz,
    CONSTRAINT template_version UNIQUE (sender_id, name, version)
);
CREATE UNIQUE INDEX template_in_use ON template (sender_id, name) WHERE status = 'active';

-- Hosts that links in a sender's texts may lead to (CN-76).
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

-- Receivers -------------------------------------------------------------------------------

CREATE TABLE person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    msisdn bigint UNIQUE, -- NULL once erased or given to a new holder
    secret bytea,         -- commits ledger leaves to this person; NULL once erased
    created_at timestamptz NOT NULL
);

-- The consent ledger ----------------------------------------------------------------------

CREATE TABLE entry_position (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    next bigint NOT NULL
);
INSERT INTO entry_position VALUES (true, 1);

CREATE TABLE entry (
    position bigint PRIMARY KEY, -- gapless, in order of commit
    at timestamptz NOT NULL,
    kind smallint NOT NULL,
    group_id int NOT NULL,
    sender_id int NOT NULL,
    programme_id int NOT NULL,
    person_id int NOT NULL,
    body bytea NOT NULL          -- canonical bytes (consent/entry.py)
);
CREATE INDEX entry_person ON entry (person_id, position);
CREATE INDEX entry_corrected ON entry (person_id) WHERE kind = 8; -- whose past was corrected

CREATE FUNCTION entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the consent ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION entry_is_append_only();

-- The Merkle tree over the entries (consent/tree.py): entry `position` is leaf position - 1. A tile
-- holds up to 256 hashes; only the last one of a level changes.
CREATE TABLE ledger_tile (
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, number)
) WITH (fillfactor = 70);
ALTER TABLE ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- What was signed of it: the last one, and one a minute of earlier days (flow/sealing.py).
CREATE TABLE ledger_checkpoint (
    size bigint PRIMARY KEY,
    root bytea NOT NULL CHECK (length(root) = 32),
    note text NOT NULL,    -- C2SP signed note, without what witnesses added
    at timestamptz NOT NULL
);

-- The key that signs them, made at the first start; sealed as `ledger_key.sealed/ORIGIN`.
CREATE TABLE ledger_key (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    origin text NOT NULL, -- what the log calls itself, for ever
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL
);

-- The last checkpoint that each witness cosigned.
CREATE TABLE ledger_witness (
    name text PRIMARY KEY,
    size bigint NOT NULL,
    note text NOT NULL,    -- with the log's signature and the witness's
    at timestamptz NOT NULL -- when it says it saw it
);

-- Which document was in force from a position on: rulebook, keywords, links. Each is an entry about
-- nobody; the document is what its digest is of.
CREATE TABLE setting (
    position bigint PRIMARY KEY, -- of its entry
    what text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    document bytea NOT NULL,     -- canonical JSON
    at timestamptz NOT NULL
);
CREATE INDEX setting_what ON setting (what, position);

-- The ledger was found shorter than, or other than, somebody saw it: marketing is switched off until
-- what is missing was brought back and staff said so (flow/rollback.py).
CREATE TABLE ledger_recovery (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,          -- a witness's name, or 'head' for our own file
    code text NOT NULL,            -- ledger_rolled_back or ledger_forked
    seen bigint NOT NULL,          -- the size that was seen
    size bigint NOT NULL,          -- the size that there is
    stop_id int NOT NULL REFERENCES class_stop,
    noticed_at timestamptz NOT NULL,
    recovered int NOT NULL DEFAULT 0, -- refusals brought back
    recovered_at timestamptz,
    ended_at timestamptz
);

-- What the entries add up to; rebuildable from them.
CREATE TABLE standing (
    programme_id int NOT NULL,
    person_id int NOT NULL,
    grade smallint NOT NULL,
    position bigint NOT NULL,
    until timestamptz,
    fresh boolean NOT NULL, -- given by the receiver herself after a refusal, which it outweighs
    PRIMARY KEY (programme_id, person_id)
);
CREATE INDEX standing_person ON standing (person_id);

-- Refusals in force; group 0 means every sender. `purposes` is a mask of 1 << purpose.
CREATE TABLE refusal (
    group_id int NOT NULL,
    person_id int NOT NULL,
    purposes smallint NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (group_id, person_id)
);

-- Refusals of one programme. They never go: a fresh act of the person gives standing beside one.
CREATE TABLE programme_refusal (
    programme_id int NOT NULL,
    person_id int NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (programme_id, person_id)
);
CREATE INDEX programme_refusal_person ON programme_refusal (person_id);

-- Marketing paused until a person has read an unclear reply: a row an entry, since each reply
-- is read by itself.
CREATE TABLE pause (
    position bigint PRIMARY KEY,
    group_id int NOT NULL,
    person_id int NOT NULL,
    purposes smallint NOT NULL,
    reply_id bigint NOT NULL
);
CREATE INDEX pause_person ON pause (person_id);

-- Every entry that can end or pause standing, in ledger order: what dispatch checks.
CREATE TABLE standing_end (
    position bigint PRIMARY KEY,
    group_id int NOT NULL,
    person_id int NOT NULL,
    purposes smallint NOT NULL,
    programme_id int NOT NULL DEFAULT 0 -- the one programme that it ends, 0: whatever serves them
);
CREATE INDEX standing_end_group ON standing_end (group_id, position);

-- Versions of the wording that people agreed to; entries name them by id.
CREATE TABLE wording (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id int NOT NULL REFERENCES programme,
    version text NOT NULL,
    first_at timestamptz, -- the earliest consent that the first import naming it dated; NULL: unknown
    words text,              -- themselves, where they were handed in; they never change
    sha256 bytea,            -- of the words in UTF-8
    first_used timestamptz,  -- when a consent first named it here
    UNIQUE (programme_id, version)
);

CREATE TABLE consent_import (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    programme_id int NOT NULL REFERENCES programme,
    source text NOT NULL,
    accepted int NOT NULL,
    refused int NOT NULL,
    at timestamptz NOT NULL,
    grade smallint NOT NULL DEFAULT 0,
    key_id int NOT NULL DEFAULT 0, -- who handed it in; 0 is a session
    actor_id int,
    lot int NOT NULL DEFAULT 0,    -- the first import of what was handed in in portions; 0 is itself
    state text NOT NULL DEFAULT 'opened' CONSTRAINT consent_import_state
        CHECK (state IN ('review', 'open', 'opened', 'refused', 'voiding', 'voided')),
    findings jsonb NOT NULL DEFAULT '[]', -- policy/imports.py: {code, en, zh, ...}; nobody is named
    voided_at timestamptz,
    paused bigint[] NOT NULL DEFAULT '{}', -- campaigns that rest until what it opened is undone
    wording_id int REFERENCES wording,
    how text,                              -- a word of policy/asking.py: HOWS
    declared text[] NOT NULL DEFAULT '{}', -- what makes such a consent worth less, as declared
    evidence_sha256 bytea,                 -- of the file that shows all of them
    statement text,                        -- canonical JSON, or the source alone
    statement_sha256 bytea                 -- what the entries carry
);
CREATE INDEX consent_import_statement ON consent_import (programme_id, statement_sha256);
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

-- What is known of one consent of an import besides its entry.
CREATE TABLE consent_proof (
    import_id int NOT NULL REFERENCES consent_import,
    person_id int NOT NULL,
    place_sealed bytea, -- where it was given: network address or place, sealed
    place_digest bytea,    -- the same for the same place, with a key (flow/vault.py)
    evidence_sha256 bytea, -- of the file that shows this one
    PRIMARY KEY (import_id, person_id)
);
CREATE INDEX consent_proof_place ON consent_proof (place_digest) WHERE place_digest IS NOT NULL;
CREATE INDEX consent_proof_person ON consent_proof (person_id);

-- An organisation's question to a person whether to be a member. Silence is no.
CREATE TABLE member_invitation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    programme_id int NOT NULL REFERENCES programme,
    person_id int NOT NULL,
    state text NOT NULL
        CHECK (state IN ('waiting', 'sent', 'agreed', 'refused', 'lapsed', 'unroutable')),
    code text NOT NULL DEFAULT '', -- what to reply, behind a Y
    token_digest bytea UNIQUE,     -- SHA-256 of what its link ends in
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

-- Erasure and keeping ---------------------------------------------------------------------

-- Numbers that were erased or given to a new holder: a keyed digest each, used for nothing else, whose
-- key lies in the vault's file. Whoever has the number next is a person of whom only what the
-- receiver herself gives counts (entries RECEIVER_ONLY). No moment and no person: a mark must not
-- lead to an entry.
CREATE TABLE number_mark (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    why text NOT NULL CHECK (why IN ('erased', 'reassigned')),
    month date NOT NULL CHECK (extract(day FROM month) = 1)
);

-- Why what is known of a person must stay for now: nothing of hers is erased or removed meanwhile.
CREATE TABLE legal_hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id int NOT NULL REFERENCES person,
    why text NOT NULL,
    until timestamptz, -- NULL: until it is lifted
    sealed bytea,      -- her number, once that has a new holder (`legal_hold.sealed/PERSON`)
    at timestamptz NOT NULL,
    lifted_at timestamptz
);
CREATE INDEX legal_hold_person ON legal_hold (person_id) WHERE lifted_at IS NULL;

-- Who asked to be forgotten, and how far that is. `sealed`: the number, for as long as its traces
-- are looked for (`erasure.sealed/PERSON`).
CREATE TABLE erasure (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id int NOT NULL UNIQUE REFERENCES person,
    cause text NOT NULL CHECK (cause IN ('receiver', 'staff')),
    ground text NOT NULL, -- why staff did it; '' where the receiver proved her number
    keep_mark boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'cleaning', 'done')),
    sealed bytea,
    at timestamptz NOT NULL,
    walked_at timestamptz, -- a walk over the tables was done; another one follows some days later
    done_at timestamptz,
    texts_due timestamptz, -- when the texts of messages to her may go; NULL: they went
    CHECK ((sealed IS NOT NULL) = (state = 'cleaning'))
);
CREATE INDEX erasure_open ON erasure (id) WHERE state <> 'done';
CREATE INDEX erasure_texts ON erasure (texts_due) WHERE texts_due IS NOT NULL;

-- Files of carriers that say which numbers have a new holder, and what came of each.
CREATE TABLE reassignment_file (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    dated date NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32), -- of its rows
    rows int NOT NULL,
    faulty int NOT NULL,
    closed int NOT NULL,
    unknown int NOT NULL, -- nobody we know
    later int NOT NULL,   -- the person did something herself after the file's day
    at timestamptz NOT NULL,
    account_id int NOT NULL,
    key_id int NOT NULL,
    actor_id int
);
CREATE INDEX reassignment_file_source ON reassignment_file (source, dated);

-- Programmes that ended, or whose people have no more to do with the sender: what stood then expires.
CREATE TABLE programme_end (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id int NOT NULL REFERENCES programme,
    at timestamptz NOT NULL,
    position bigint NOT NULL, -- consents up to here
    done_at timestamptz
);
CREATE INDEX programme_end_open ON programme_end (id) WHERE done_at IS NULL;

-- What backs consents, sealed (`consent_evidence.sealed/ID`). Removed some months after the last
-- consent that stands on it is over; the digest stays.
CREATE TABLE consent_evidence (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32), -- of the octets as handed in
    media_type text NOT NULL,
    octets int NOT NULL,
    sealed bytea,
    at timestamptz NOT NULL,
    ended_on date,            -- since when no consent stands on it
    removed_at timestamptz,
    UNIQUE (account_id, sha256),
    CHECK ((sealed IS NULL) = (removed_at IS NOT NULL))
);
ALTER TABLE consent_evidence ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX consent_evidence_kept ON consent_evidence (id) WHERE sealed IS NOT NULL;

-- Which entries an evidence file backs.
CREATE TABLE consent_evidence_range (
    evidence_id bigint NOT NULL REFERENCES consent_evidence,
    first bigint NOT NULL,
    last bigint NOT NULL CHECK (last >= first),
    programme_id int NOT NULL REFERENCES programme,
    PRIMARY KEY (evidence_id, first)
);
-- A sender's software is about to have one person enter her number.
CREATE TABLE consent_session (
    token_digest bytea PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    programme_id int NOT NULL REFERENCES programme,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX consent_session_expires ON consent_session (expires_at);

-- A question to a person whether she agrees to a programme (flow/asking.py). `taken`: not looked at
-- yet; then either `unasked`, which is told to nobody, or `sent`. Silence is no.
CREATE TABLE consent_request (
    id bigint PRIMARY KEY,         -- as batch ids
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    programme_id int NOT NULL REFERENCES programme,
    number_sealed bytea,           -- sealed, until it is looked at
    number_digest bytea NOT NULL,  -- keyed, for telling a repeated request from another
    person_id int,
    basis text NOT NULL CHECK (basis IN ('session', 'document')),
    session_digest bytea UNIQUE,   -- of the token, which is good for one
    document_id bigint REFERENCES document,
    place_sealed bytea,            -- where the number was entered, sealed
    place_digest bytea,
    state text NOT NULL CHECK (state IN
        ('taken', 'unasked', 'unroutable', 'sent', 'agreed', 'refused', 'lapsed')),
    why text NOT NULL DEFAULT '',  -- of unasked and refused: a word of policy/asking.py
    code text NOT NULL DEFAULT '', -- what to reply, behind a Y
    wording_id int REFERENCES wording,
    message_id bigint,
    requested bigint,              -- position of the entry that she was asked
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

-- Senders whose questions bring too few a yes ask nobody until staff let them.
CREATE TABLE asking_stop (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    at timestamptz NOT NULL,
    asked int NOT NULL,
    agreed int NOT NULL,
    released_at timestamptz
);
CREATE UNIQUE INDEX asking_stop_standing ON asking_stop (sender_id) WHERE released_at IS NULL;

-- Facts that a customer holds of people, for choosing audiences (docs/audiences.md). Every one has its
-- origin, and a programme whose declared kinds cover its use.
CREATE TABLE label (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    programme_id int NOT NULL REFERENCES programme,
    name text NOT NULL,
    kind text NOT NULL,   -- the one of the programme's kinds that covers it
    origin text NOT NULL, -- how these facts were obtained, in the customer's words
    people int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE label_chunk (
    label_id int NOT NULL REFERENCES label ON DELETE CASCADE,
    number int NOT NULL,
    first int NOT NULL,   -- the lowest of its ids
    last int NOT NULL,    -- the highest
    people bytea NOT NULL, -- u32 person ids, ascending
    PRIMARY KEY (label_id, number)
);

-- Counts of audiences are as of one position of the ledger a day, so that none tells who withdrew.
CREATE TABLE audience_day (
    day int PRIMARY KEY,
    position bigint NOT NULL
);

-- What was told of a choice that day; asking again gets the same.
CREATE TABLE audience_count (
    account_id int NOT NULL,
    day int NOT NULL,
    digest bytea NOT NULL, -- SHA-256 of the choice
    people int NOT NULL,   -- as shown: 0 for fewer than fifty
    PRIMARY KEY (account_id, day, digest)
);

-- Makes people for numbers in one call, unless one of their numbers is marked: then nobody is made, and
-- the caller makes them in a transaction with what the marks mean. `digests`: of the numbers, NULL
-- where the caller thinks that there are no marks at all. The look comes behind the making, so that a
-- mark whose erasure that waited for is seen.
CREATE FUNCTION people_make(numbers bigint[], secrets bytea[], made_at timestamptz, digests bytea[])
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO person (msisdn, secret, created_at)
    SELECT m, s, made_at FROM unnest(numbers, secrets) AS new (m, s)
    ON CONFLICT (msisdn) DO NOTHING;
    IF digests IS NULL AND EXISTS (SELECT FROM number_mark)
        OR EXISTS (SELECT FROM unnest(digests) AS new (d) JOIN number_mark n ON n.digest = new.d)
    THEN
        RAISE EXCEPTION 'marked' USING ERRCODE = 'raise_exception';
    END IF;
    RETURN true;
EXCEPTION WHEN raise_exception THEN
    RETURN false; -- and what was inserted is taken back
END $$;

-- Orders ----------------------------------------------------------------------------------

CREATE SEQUENCE batch_counter MINVALUE 0 MAXVALUE 2047 START 0 CYCLE;
CREATE SEQUENCE window_number;

CREATE TABLE audience (
    id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    name text NOT NULL,
    statement text NOT NULL, -- where the numbers come from, in the customer's words
    state text NOT NULL CHECK (state IN ('loading', 'ready', 'failed')),
    rows int NOT NULL DEFAULT 0,
    wrong int NOT NULL DEFAULT 0,
    columns text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    relation text NOT NULL DEFAULT 'unstated' -- how its people stand to the sender
        CHECK (relation IN ('customers', 'members', 'cold', 'unstated')),
    built jsonb -- what its people were chosen by, where they come from consent; `rows` is rounded then
);

CREATE TABLE audience_chunk (
    audience_id bigint NOT NULL REFERENCES audience,
    number int NOT NULL,
    rows bytea NOT NULL,      -- u32 input row of each person
    people bytea NOT NULL,    -- u32 person ids
    variables bytea,          -- msgpack: one list of strings a column
    wrong_rows bytea NOT NULL, -- u32
    faults bytea NOT NULL,    -- u8, numbers.Fault
    PRIMARY KEY (audience_id, number)
);

-- What a customer signed so that staff order a campaign for it; the file is sealed.
CREATE TABLE instruction (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account, -- whose order it is
    file_sha256 bytea NOT NULL REFERENCES paper_file,
    words text NOT NULL,     -- what it orders, in the words of who handed it in
    signed_on date NOT NULL,
    by_account int NOT NULL, -- who handed it in
    by_key int NOT NULL,
    by_actor int,
    created_at timestamptz NOT NULL,
    grade text NOT NULL DEFAULT 'provisional' -- signed: by a good signature of one who may
        CONSTRAINT instruction_grade CHECK (grade IN ('signed', 'provisional')),
    checked jsonb NOT NULL DEFAULT '{}'       -- {why, serial, signed_at, signed_by}; names nobody
);

CREATE TABLE campaign (
    id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    audience_id bigint NOT NULL REFERENCES audience,
    sender_id int NOT NULL REFERENCES sender,
    name text NOT NULL,
    request bytea NOT NULL,   -- the order as handed in (msgpack), without people
    state text NOT NULL CHECK (state IN ('running', 'paused', 'stopped', 'done')),
    not_before timestamptz NOT NULL,
    chunk int NOT NULL DEFAULT 0, -- the next audience chunk to judge
    epoch int,
    created_at timestamptz NOT NULL,
    template_id int,          -- the version of the template that it was ordered with
    instruction_id bigint UNIQUE REFERENCES instruction, -- staff ordered it, on this instruction
    text_review_id bigint    -- its text waits for this decision (text_review)
);
CREATE INDEX campaign_running ON campaign (not_before) WHERE state = 'running';
CREATE INDEX campaign_text_review ON campaign (text_review_id) WHERE text_review_id IS NOT NULL;

CREATE TABLE idempotency (
    account_id int NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    answer bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- A judged request or a judged chunk of a campaign.
CREATE TABLE submission (
    id bigint NOT NULL,
    account_id int NOT NULL,
    campaign_id bigint,
    sender_id int NOT NULL,
    purpose smallint NOT NULL,
    n int NOT NULL,
    allowed int NOT NULL,
    cost bigint NOT NULL,
    reasons jsonb NOT NULL,   -- inner reason code: count
    rulebook text NOT NULL,   -- digest
    numbers text NOT NULL,    -- digest of the number table
    position bigint NOT NULL, -- ledger position the standing set had applied
    at timestamptz NOT NULL,
    screening jsonb,          -- {screening, state, reviews}: where its text stood; NULL: not asked
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX submission_campaign ON submission (campaign_id) WHERE campaign_id IS NOT NULL;

-- People of a submission that may not be written to: no message id, but a reason each.
CREATE TABLE decision (
    submission_id bigint NOT NULL,
    rows bytea NOT NULL,     -- u32 input rows
    people bytea NOT NULL,   -- u32, 0 where the number was wrong
    reasons bytea NOT NULL,  -- u16 reason number
    findings bytea NOT NULL, -- u64 mask of everything found
    PRIMARY KEY (submission_id)
) PARTITION BY RANGE (submission_id);

CREATE TABLE batch (
    id bigint NOT NULL,
    submission_id bigint NOT NULL,
    account_id int NOT NULL,
    campaign_id bigint,
    sender_id int NOT NULL,
    group_id int NOT NULL,
    programme_id int NOT NULL,
    port_id int NOT NULL,
    template_id int NOT NULL,
    purpose smallint NOT NULL,
    carrier text NOT NULL,
    n smallint NOT NULL,
    position bigint NOT NULL,
    price bigint NOT NULL,    -- micro-yuan a segment
    not_before timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    content text NOT NULL,    -- the whole text, or with {name} where a variable goes
    people bytea NOT NULL,    -- u32
    rows bytea NOT NULL,      -- u32 input rows
    zones bytea NOT NULL,     -- i16 minutes east of UTC
    segments bytea NOT NULL,  -- u8
    variables bytea,          -- msgpack: {name: [string, ...]}
    accepted_at timestamptz NOT NULL,
    writing jsonb,            -- alphabet, cut and signature (text/writing.py); null: the usual
    video_id bigint,          -- what goes out in place of `content`, which then is its text
    provinces bytea,          -- u8, place in the number table's provinces; NULL: not kept
    category text NOT NULL DEFAULT '', -- what screening says of the text (screen/categories.py)
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX batch_submission ON batch (submission_id);
CREATE INDEX batch_campaign ON batch (campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX batch_port ON batch (port_id, id);

-- Who was written to in which batch: pairs in the order of people, some hundred a row, of a range of
-- batch ids (low included, high not); built later (flow/indexing.py). Of `level` 1 are those that
-- many of `level` 0 were merged into.
CREATE TABLE written_segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    low bigint NOT NULL,
    high bigint NOT NULL,
    level smallint NOT NULL,
    who int4range NOT NULL, -- the first person and the last, both included
    people bytea NOT NULL,  -- u32, ascending
    batches bytea NOT NULL  -- u64, of each
);
CREATE INDEX written_segment_who ON written_segment USING gist (who);
CREATE INDEX written_segment_range ON written_segment (level, low);

-- Which batch ids are in segments: from `since` up to `upto`.
CREATE TABLE written_to (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since bigint NOT NULL,
    upto bigint NOT NULL,
    at timestamptz NOT NULL
);

-- Which numbers next to each other accounts sent codes to, of all processes together: of the range
-- that a number without its last digits names, a bit each (policy/probing.py). `place`: account and
-- range, encrypted with a key of the vault's (flow/probes.py). Days old ones go.
CREATE TABLE probe_range (
    rule text NOT NULL,
    place bytea NOT NULL,
    window_no bigint NOT NULL,
    bits varbit NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (rule, place, window_no)
);
CREATE INDEX probe_range_at ON probe_range (at);

-- Batches with messages still to be attempted. A row goes when none is left.
CREATE TABLE queue (
    batch_id bigint PRIMARY KEY,
    lane smallint NOT NULL,
    carrier text NOT NULL,
    account_id int NOT NULL,
    campaign_id bigint,
    held boolean NOT NULL DEFAULT false, -- a paused campaign
    begun boolean NOT NULL DEFAULT false, -- was leased before: some of it may be attempted already
    not_before timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    epoch int, -- who has leased it
    broken text[] NOT NULL DEFAULT '{}' -- codes of broken links: waits until they are whole
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX queue_waiting ON queue (carrier, lane, batch_id) WHERE epoch IS NULL;
CREATE INDEX queue_campaign ON queue (campaign_id) WHERE campaign_id IS NOT NULL;

-- Contents of video messages -------------------------------------------------------------------

-- Octets of frames, each once, by their SHA-256. The limits of an upload bound them.
CREATE TABLE blob (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    octets bytea NOT NULL
);
ALTER TABLE blob ALTER COLUMN octets SET STORAGE EXTERNAL; -- pictures hardly compress

-- Ordered frames for one sender and purpose. Approved when every frame is; nothing of one that is
-- not leaves.
CREATE TABLE video (
    id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    purpose smallint NOT NULL,
    subject text NOT NULL,
    basis text NOT NULL,     -- why receivers get it without standing; '' where consent is needed
    digest bytea NOT NULL,   -- SHA-256 over subject, basis and frames: the same again is the same
    octets int NOT NULL,
    text text NOT NULL,      -- of its text frames, a line each: what the rules judge
    state text NOT NULL CHECK (state IN ('submitted', 'approved', 'rejected', 'withdrawn')),
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, sender_id, purpose, digest)
);
CREATE INDEX video_waiting ON video (id) WHERE state = 'submitted';

CREATE TABLE video_frame (
    video_id bigint NOT NULL REFERENCES video,
    place smallint NOT NULL, -- from 1
    name text NOT NULL,      -- of the customer's file; never sent
    media_type text NOT NULL,
    octets int NOT NULL,
    sha256 bytea NOT NULL REFERENCES blob,
    PRIMARY KEY (video_id, place)
);

-- What people who reviewed said, every word kept; the last one about a frame counts.
CREATE TABLE video_review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id bigint NOT NULL,
    place smallint NOT NULL,
    approved boolean NOT NULL,
    reason text NOT NULL,
    reviewer text NOT NULL,  -- the person, by name
    key_id int NOT NULL,     -- the API key that the person used
    at timestamptz NOT NULL,
    FOREIGN KEY (video_id, place) REFERENCES video_frame
);
CREATE INDEX video_review_frame ON video_review (video_id, place, id);

-- Attempts ----------------------------------------------------------------------------------

-- Committed before its bytes leave. Position i of the window is message slots[i] of the batch.
CREATE TABLE attempt_window (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    epoch int NOT NULL,
    at timestamptz NOT NULL,
    slots bytea NOT NULL, -- u16
    tries bytea NOT NULL, -- u8
    PRIMARY KEY (batch_id, id)
) PARTITION BY RANGE (batch_id);

-- Windows whose attempts are not all answered.
CREATE TABLE open_window (
    id bigint PRIMARY KEY,
    batch_id bigint NOT NULL,
    group_id int NOT NULL,
    epoch int NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX open_window_group ON open_window (group_id);

-- Answers to some segments of a window.
CREATE TABLE window_result (
    id bigint NOT NULL,          -- unique; also the source of its money
    window_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    at timestamptz NOT NULL,
    carrier text NOT NULL,
    link text NOT NULL,
    positions bytea NOT NULL,    -- u16 place in the window
    segments bytea NOT NULL,     -- u8 segment of the message, from 0
    statuses bytea NOT NULL,     -- u8 message.AttemptStatus
    codes bytea NOT NULL,        -- u32 the carrier's result code
    carrier_ids bytea NOT NULL,  -- u64 the carrier's message id
    lo bigint NOT NULL,          -- least carrier id with its top bit flipped (order kept)
    hi bigint NOT NULL,
    PRIMARY KEY (batch_id, id)
) PARTITION BY RANGE (batch_id);
CREATE INDEX window_result_ids ON window_result (carrier, hi);

-- Messages that ended without an attempt: cancelled, expired, over a cap.
CREATE TABLE slot_end (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    at timestamptz NOT NULL,
    slots bytea NOT NULL,  -- u16
    states bytea NOT NULL, -- u8 message.State
    PRIMARY KEY (batch_id, id)
) PARTITION BY RANGE (batch_id);

-- Segments that may or may not have left; rare, so one row each.
CREATE TABLE unsure_segment (
    batch_id bigint NOT NULL,
    slot smallint NOT NULL,
    segment smallint NOT NULL,
    window_id bigint NOT NULL,
    carrier text NOT NULL,
    person_id int NOT NULL,
    at timestamptz NOT NULL,
    settled text CHECK (settled IN ('receipt', 'released', 'retried')),
    charged boolean NOT NULL DEFAULT false, -- when its receipt came
    released boolean NOT NULL DEFAULT false, -- its money was given back
    PRIMARY KEY (batch_id, slot, segment, window_id)
);
CREATE INDEX unsure_open ON unsure_segment (carrier, person_id) WHERE settled IS NULL;

-- A row a committed window and cap: who used up how much of it, and when.
CREATE TABLE cap_claim (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ledger text NOT NULL, -- caps with the same ledger count the same claims (rulebook.Cap)
    key int NOT NULL,     -- sender, group, or shard of person ids for caps across senders
    at timestamptz NOT NULL,
    people bytea NOT NULL -- u32, sorted
);
CREATE INDEX cap_claim_key ON cap_claim (ledger, key, seq);
CREATE INDEX cap_claim_at ON cap_claim (at);

-- Receipts and replies ------------------------------------------------------------------------

-- Reports acknowledged together. The id is made like a batch id, from the time of storing.
CREATE TABLE receipt_log (
    id bigint NOT NULL,
    at timestamptz NOT NULL,
    carrier text NOT NULL,
    messages bytea NOT NULL,    -- u64 message ids
    segments bytea NOT NULL,    -- u8, 255: of all segments of the message
    states bytea NOT NULL,      -- u8 message.State
    carrier_ids bytea NOT NULL, -- u64
    raw bytea NOT NULL,         -- report bodies as received, one after another
    raw_size smallint NOT NULL, -- octets of each report body
    codes bytea,                -- u64 why each failed (flow/inbound.py), 0: it did not
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- Reports that outran their answer, or belong to another process; durable before acknowledged.
CREATE TABLE receipt_parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    carrier text NOT NULL,
    carrier_id bigint NOT NULL, -- top bit flipped
    person_id int NOT NULL,     -- who the report says received it; 0 unknown
    state smallint NOT NULL,
    raw bytea NOT NULL,
    given_up boolean NOT NULL DEFAULT false,
    code bigint NOT NULL DEFAULT 0 -- why it failed
);
CREATE INDEX receipt_parked_open ON receipt_parked (carrier, carrier_id) WHERE NOT given_up;

CREATE TABLE inbound (
    id bigint NOT NULL,
    at timestamptz NOT NULL,
    carrier text NOT NULL,
    link text NOT NULL,
    carrier_id bigint NOT NULL,
    destination text NOT NULL,
    person_id int NOT NULL,
    fmt smallint NOT NULL,
    content bytea NOT NULL,   -- as received, user data header included
    reference int,            -- of a part of a long message
    total smallint,
    number smallint,
    reply_id bigint,          -- what it became part of
    PRIMARY KEY (id)
);
CREATE INDEX inbound_waiting ON inbound (person_id, destination, reference) WHERE reply_id IS NULL;
CREATE INDEX inbound_read ON inbound (person_id, destination, reference)
    WHERE reply_id IS NOT NULL AND total > 1;
-- A redelivery is the same message; carriers that number nothing (0, flipped) are taken at their word.
CREATE UNIQUE INDEX inbound_once ON inbound (carrier, carrier_id, person_id, destination)
    WHERE carrier_id <> -9223372036854775808;

CREATE TABLE reply (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    carrier text NOT NULL,
    destination text NOT NULL,
    person_id int NOT NULL,
    text text NOT NULL,
    intent text NOT NULL,
    complaint boolean NOT NULL,
    complete boolean NOT NULL,  -- false: parts of it never came
    groups int[] NOT NULL,      -- whom it concerns
    reviewed_at timestamptz,
    keyword_set text NOT NULL DEFAULT '', -- what it was read with, with its version
    keyword_digest bytea,
    keyword text NOT NULL DEFAULT '',     -- the customer's, where it is one
    read_as text NOT NULL DEFAULT ''      -- what a person read in an unclear one
);
CREATE INDEX reply_person ON reply (person_id, id);
CREATE INDEX reply_review ON reply (id) WHERE intent = 'unclear' AND reviewed_at IS NULL;

-- One confirmation a change of standing, keyed by the entry that made it.
CREATE TABLE confirmation (
    id bigint PRIMARY KEY,
    position bigint NOT NULL,
    person_id int NOT NULL,
    groups int[] NOT NULL,
    names text NOT NULL,      -- of the senders refused, as the confirmation tells them
    receipt_code text NOT NULL UNIQUE,
    repeat boolean NOT NULL,  -- answers a refusal that already stood
    waits bigint[] NOT NULL,  -- windows that held the pair when the refusal committed
    state text NOT NULL
        CONSTRAINT confirmation_state_check
        CHECK (state IN ('waiting', 'attempted', 'unroutable', 'refused')),
    message_id bigint,
    created_at timestamptz NOT NULL,
    attempted_at timestamptz,
    tried text[] NOT NULL DEFAULT '{}',      -- carriers that refused it
    answered boolean NOT NULL DEFAULT false, -- nothing more is to be done about its attempt
    about text NOT NULL DEFAULT 'refused'    -- or what a receiver gave back on her page
        CONSTRAINT confirmation_about CHECK (about IN ('refused', 'agreed', 'taken_back'))
) WITH (fillfactor = 70);
CREATE INDEX confirmation_waiting ON confirmation (id) WHERE state = 'waiting';
CREATE UNIQUE INDEX confirmation_entry ON confirmation (position) WHERE NOT repeat;
CREATE INDEX confirmation_person ON confirmation (person_id, created_at);
CREATE INDEX confirmation_unanswered ON confirmation (attempted_at)
    WHERE state = 'attempted' AND NOT answered;

-- Words that a sender's receivers answer with for something else than refusing.
CREATE TABLE port_keyword (
    number text NOT NULL,
    sender_id int NOT NULL REFERENCES sender,
    word text NOT NULL,         -- as replies are compared with it
    written text NOT NULL,      -- as it was filed
    account_id int NOT NULL REFERENCES account, -- who gets the replies
    created_at timestamptz NOT NULL,
    PRIMARY KEY (number, sender_id, word)
);

-- Answers to HELP, in the operator's words.
CREATE TABLE help_answer (
    id bigint PRIMARY KEY,
    person_id int NOT NULL,
    destination text NOT NULL,  -- what the person wrote to
    names text NOT NULL,        -- who writes from there
    state text NOT NULL CHECK (state IN ('waiting', 'attempted', 'unroutable')),
    message_id bigint,
    created_at timestamptz NOT NULL,
    attempted_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX help_answer_waiting ON help_answer (id) WHERE state = 'waiting';
CREATE INDEX help_answer_person ON help_answer (person_id, created_at);

-- Files of refusals that a regulator or carrier sent. Their numbers are in the ledger's people only.
CREATE TABLE refusal_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL CHECK (origin IN ('regulator', 'carrier')),
    source text NOT NULL,       -- 12321, or the carrier's name
    dated date NOT NULL,
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    scope text NOT NULL,        -- what its rows refuse where they do not say
    rows int NOT NULL,
    accepted int NOT NULL,
    faults jsonb NOT NULL,      -- rows that could not be used, by their place
    done boolean NOT NULL,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int
);

-- States folded from answers and receipts; rebuildable. One state a segment, in order.
CREATE TABLE batch_final (
    batch_id bigint NOT NULL,
    states bytea NOT NULL, -- u8 message.State
    updated_at timestamptz NOT NULL,
    refunded int NOT NULL DEFAULT 0, -- segments that failed and were given back
    sure int NOT NULL DEFAULT 0,     -- segments delivered, where the contract charges on that
    PRIMARY KEY (batch_id)
) PARTITION BY RANGE (batch_id);

-- Messages that withdrawals stopped: told to their customer in the next daily batch.
CREATE TABLE untold (
    message_id bigint PRIMARY KEY,
    account_id int NOT NULL,
    state smallint NOT NULL
);

-- Customers' links --------------------------------------------------------------------------

-- A login by which a customer's own software binds to us. The secret stands here as it is, since
-- the authenticators of CMPP and SMGP are made from it.
CREATE TABLE customer_link (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    login text NOT NULL UNIQUE,
    secret text,                  -- NULL once it is sealed, which a process does when it starts
    dialects text[] NOT NULL,
    allowed text[] NOT NULL,      -- networks that it may connect from
    binds smallint NOT NULL,
    window_size smallint NOT NULL,
    rate int,                     -- submits a second, NULL for no limit
    replies boolean NOT NULL,
    reports_to text NOT NULL,     -- SGIP: HOST:PORT of the customer's own server
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL,
    sealed bytea,                 -- the secret (flow/vault.py), `customer_link.secret/LOGIN`
    CONSTRAINT customer_link_one_secret CHECK ((secret IS NULL) <> (sealed IS NULL))
);

-- Submits that are answered, and not judged yet: a row each, gone when it is judged.
CREATE TABLE handed_in (
    id bigint PRIMARY KEY,
    link_id int NOT NULL REFERENCES customer_link,
    epoch int NOT NULL,           -- who judges it
    at timestamptz NOT NULL,
    body bytea NOT NULL           -- msgpack (flow/handed.py)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX handed_in_epoch ON handed_in (epoch);

-- Of a batch that came over a customer's link: what the customer calls its messages. A message that
-- came in several parts has several ids, one after another.
CREATE TABLE link_batch (
    batch_id bigint NOT NULL,
    link_id int NOT NULL,
    at timestamptz NOT NULL,
    source text NOT NULL,
    node bigint NOT NULL,         -- SGIP: the first 32 bits of its ids; else 0
    parts bytea NOT NULL,         -- u8 ids of each message
    ids bytea NOT NULL,           -- u64
    forms bytea NOT NULL,         -- u8 how the customer wrote each number (flow/handed.py)
    wanted bytea NOT NULL,        -- u8 which reports it asked for, by message
    told bytea NOT NULL,          -- u8 1: the end of this message is in a parcel
    PRIMARY KEY (batch_id)
) PARTITION BY RANGE (batch_id);

-- Receipts and replies for a link, kept until its software has acknowledged all of a row.
CREATE TABLE parcel (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id int NOT NULL REFERENCES customer_link,
    at timestamptz NOT NULL,
    body bytea NOT NULL,          -- msgpack (flow/parcels.py)
    epoch int                     -- who tells it; NULL or ended: whoever can
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX parcel_link ON parcel (link_id, id);

-- The vault ---------------------------------------------------------------------------------

-- By which a process sees that it has the key file that belongs to this database.
CREATE TABLE vault_mark (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    mark bytea NOT NULL
);

-- Money -----------------------------------------------------------------------------------

-- Books: 1 deposits, 2 available, 3 reserved, 4 revenue, 5 released (not visible yet),
-- 6 allotted to sub-accounts (by their parent: to whom), 7 agents' rebates.
CREATE TABLE balance (
    account_id int PRIMARY KEY REFERENCES account,
    available bigint NOT NULL,
    folded_to xid8 NOT NULL DEFAULT '0', -- what earlier transactions posted is in `available`
    day date,                            -- the country's calendar day that is counted
    day_messages int NOT NULL DEFAULT 0, -- ordered on it
    day_spent bigint NOT NULL DEFAULT 0, -- for how much
    credit_limit bigint NOT NULL DEFAULT 0 CHECK (credit_limit >= 0),
    daily_limit bigint CHECK (daily_limit >= 0), -- of what is spent on a day; NULL: none
    alert_below bigint,                  -- tell when less is available
    alerted boolean NOT NULL DEFAULT false, -- told, and it has not risen since
    CONSTRAINT balance_within_limit CHECK (available >= -credit_limit)
);

CREATE TABLE posting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL,
    batch_id bigint NOT NULL,  -- 0: not about a batch
    kind text NOT NULL,        -- see flow/money.py
    source bigint NOT NULL,    -- what caused it; unique with kind
    debit smallint NOT NULL,
    credit smallint NOT NULL,
    segments int NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (kind, source)
);
CREATE INDEX posting_account ON posting (account_id, id);
CREATE INDEX posting_released ON posting (account_id, xid)
    WHERE kind IN ('release', 'visible', 'failed');
CREATE INDEX posting_at ON posting USING brin (at);
CREATE INDEX posting_batch ON posting USING brin (batch_id) WHERE batch_id > 0;

-- The calendar day of contracts, daily limits and tiers: China's.
CREATE FUNCTION spending_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (at AT TIME ZONE interval '8 hours')::date
$$;

-- When a message is paid for. `delivered`: one that its receipt calls failed is given back.
CREATE TABLE contract (
    account_id int NOT NULL REFERENCES account,
    from_day date NOT NULL,
    charge_on text NOT NULL CHECK (charge_on IN ('accepted', 'delivered')),
    PRIMARY KEY (account_id, from_day)
);

-- Prices. A plan never changes once it is made; an account gets another one from a month on.
CREATE TABLE price_plan (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL
);

-- Segments of one month that fall under a line are counted together; the price falls as they grow.
CREATE TABLE price_line (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id int NOT NULL REFERENCES price_plan,
    purpose smallint,               -- NULL: any
    carrier text NOT NULL DEFAULT '', -- '': any
    channel text NOT NULL CHECK (channel IN ('sms', 'video')),
    from_segments bigint[] NOT NULL, -- where each tier begins, the first at 0
    micro bigint[] NOT NULL,         -- price of a segment in each tier
    UNIQUE NULLS NOT DISTINCT (plan_id, purpose, carrier, channel),
    CHECK (cardinality(from_segments) = cardinality(micro) AND from_segments[1] = 0)
);

CREATE TABLE account_plan (
    account_id int NOT NULL REFERENCES account,
    from_month date NOT NULL CHECK (extract(day FROM from_month) = 1),
    plan_id int NOT NULL REFERENCES price_plan,
    PRIMARY KEY (account_id, from_month)
);

-- What carriers accepted, by the day of the order; kept with the states of messages (flow/fold.py).
CREATE TABLE usage (
    account_id int NOT NULL,
    day date NOT NULL,
    purpose smallint NOT NULL,
    carrier text NOT NULL,
    channel text NOT NULL,
    port_id int NOT NULL,
    price bigint NOT NULL,               -- at which each segment was charged
    segments bigint NOT NULL DEFAULT 0,  -- accepted
    failed bigint NOT NULL DEFAULT 0,    -- of these: given back, since their receipt said so
    delivered bigint NOT NULL DEFAULT 0, -- of these, where the contract charges on delivery
    PRIMARY KEY (account_id, day, purpose, carrier, channel, port_id, price)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);

-- A month of an account after which nothing of it changes any more, and what its tiers came to.
CREATE TABLE settled_month (
    account_id int NOT NULL REFERENCES account,
    month date NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, month)
);

CREATE TABLE tier_month (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the source of its posting
    account_id int NOT NULL REFERENCES account,
    line_id int NOT NULL REFERENCES price_line,
    month date NOT NULL,
    segments bigint NOT NULL,
    charged bigint NOT NULL,
    graduated bigint NOT NULL,
    credit bigint NOT NULL CHECK (credit >= 0),
    UNIQUE (account_id, line_id, month)
);

-- Each time an account's balance fell below the mark that it had set.
CREATE TABLE balance_alert (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    at timestamptz NOT NULL,
    available bigint NOT NULL,
    below bigint NOT NULL
);
CREATE INDEX balance_alert_account ON balance_alert (account_id, id);

-- What carriers ask. port_number '' and purpose NULL: any.
CREATE TABLE carrier_rate (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    port_number text NOT NULL DEFAULT '',
    purpose smallint,
    channel text NOT NULL CHECK (channel IN ('sms', 'video')),
    from_day date NOT NULL,
    micro bigint NOT NULL CHECK (micro >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    UNIQUE NULLS NOT DISTINCT (carrier, port_number, purpose, channel, from_day)
);

-- So many segments bought from a carrier for a time, and the part of their price that comes back.
CREATE TABLE carrier_package (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    port_number text NOT NULL DEFAULT '',
    purpose smallint,
    channel text NOT NULL CHECK (channel IN ('sms', 'video')),
    from_day date NOT NULL,
    to_day date NOT NULL,
    segments bigint NOT NULL CHECK (segments > 0),
    micro bigint NOT NULL CHECK (micro >= 0),
    rebate_bp int NOT NULL DEFAULT 0 CHECK (rebate_bp BETWEEN 0 AND 10000), -- hundredths of a %
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    CHECK (to_day >= from_day)
);

-- What an agent gets for the messages of an account. In force once a second person approved it.
CREATE TABLE rebate_rule (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id int NOT NULL REFERENCES account,
    account_id int NOT NULL REFERENCES account,
    micro bigint NOT NULL CHECK (micro > 0),       -- a segment
    cap_micro bigint NOT NULL CHECK (cap_micro > 0), -- a month
    end_micro bigint NOT NULL CHECK (end_micro >= 0), -- what the end customer pays, as declared
    from_month date NOT NULL,
    to_month date NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'refused', 'ended')),
    proposed_account int NOT NULL,
    proposed_key int NOT NULL,
    proposed_actor int,
    decided_key int,
    decided_actor int,
    at timestamptz NOT NULL,
    CHECK (to_month >= from_month)
);

-- Messages for which no agent is paid: their receiver refused after them, or complained.
CREATE TABLE rebate_excluded (
    message_id bigint PRIMARY KEY,
    account_id int NOT NULL,
    day date NOT NULL, -- of its order
    segments int NOT NULL,
    reason text NOT NULL CHECK (reason IN ('refused', 'complained')),
    at timestamptz NOT NULL
);
CREATE INDEX rebate_excluded_account ON rebate_excluded (account_id, day);

-- What was paid to an agent, or (negative) taken back, and what it was owed by then in all.
CREATE TABLE rebate_payment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the source of its posting
    rule_id int NOT NULL REFERENCES rebate_rule,
    through date NOT NULL, -- the last month that was counted
    entitled bigint NOT NULL,
    amount bigint NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX rebate_payment_rule ON rebate_payment (rule_id);

-- Money that a customer says it will pay, by a code that it writes on the transfer.
CREATE TABLE payment_intent (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    reference text NOT NULL UNIQUE,
    amount bigint NOT NULL CHECK (amount > 0),
    received bigint NOT NULL DEFAULT 0,
    currency text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'partial', 'paid', 'overpaid', 'cancelled')),
    created_at timestamptz NOT NULL
);
CREATE INDEX payment_intent_account ON payment_intent (account_id, id);

-- A line that a bank told of. Who paid is sealed (flow/vault.py).
CREATE TABLE payment_line (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the source of its posting
    port text NOT NULL,
    external_id text NOT NULL, -- the bank's own name of it
    kind text NOT NULL CHECK (kind IN ('credit', 'return')),
    booked_on date NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    payer_sealed bytea NOT NULL, -- `payment_line.payer/PORT/EXTERNAL_ID`
    digest bytea NOT NULL,     -- of everything the line said: the same id again must say the same
    state text NOT NULL CHECK (state IN ('credited', 'held', 'sent_back', 'returned')),
    why text NOT NULL DEFAULT '', -- it is held
    account_id int REFERENCES account,
    intent_id bigint REFERENCES payment_intent,
    original_id bigint REFERENCES payment_line, -- of a return: what comes back
    owed bigint NOT NULL DEFAULT 0, -- of a return: what the balance did not reach
    at timestamptz NOT NULL,
    UNIQUE (port, external_id)
);
CREATE INDEX payment_line_held ON payment_line (id) WHERE state = 'held';
CREATE INDEX payment_line_owed ON payment_line (account_id) WHERE owed > 0;

-- What staff want done with a held line; done when two of them want the same.
CREATE TABLE payment_wish (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line_id bigint NOT NULL REFERENCES payment_line,
    wish text NOT NULL CHECK (wish IN ('release', 'return')),
    account_id int REFERENCES account, -- to which it goes
    key_account int NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    at timestamptz NOT NULL
);
CREATE INDEX payment_wish_line ON payment_wish (line_id);

-- Notices of payment ports that were taken, so that none is taken twice.
CREATE TABLE payment_notice (
    port text NOT NULL,
    nonce text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (port, nonce)
);

-- Processes and the outbox ------------------------------------------------------------------

CREATE TABLE epoch (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role text NOT NULL,
    host text NOT NULL,
    pid int NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);

-- What a process last said of itself; replaced every second or so.
CREATE TABLE process_health (
    epoch int PRIMARY KEY,
    role text NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL
) WITH (fillfactor = 50);

-- What staff ordered of links; no row: as the settings file has it.
CREATE TABLE link_order (
    target text PRIMARY KEY, -- a link's name, or a carrier's for all of its links
    wish text NOT NULL CHECK (wish IN ('paused', 'drained')),
    at timestamptz NOT NULL
);

-- What staff did: who (the key and its account), what, to what, and what that changed.
CREATE TABLE staff_act (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    account_id int NOT NULL,
    key_id int NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    actor_id int
);
CREATE INDEX staff_act_looks ON staff_act (actor_id, at) WHERE what = 'call.look';
CREATE INDEX staff_act_restriction ON staff_act (subject) WHERE what = 'restriction.impose';

CREATE FUNCTION staff_act_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of staff acts is append-only'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER staff_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_act
    FOR EACH STATEMENT EXECUTE FUNCTION staff_act_is_append_only();

-- What carriers say they carried, beside what we handed in (flow/reconcile.py).
CREATE TABLE carrier_bill (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    day date NOT NULL,               -- of the country's calendar
    sha256 bytea NOT NULL CHECK (length(sha256) = 32), -- of the lines: one bill is taken once
    at timestamptz NOT NULL,
    findings int NOT NULL,
    UNIQUE (carrier, day, sha256)
);

CREATE TABLE carrier_bill_line (
    bill_id int NOT NULL REFERENCES carrier_bill,
    port text NOT NULL,              -- with its extension, as billed
    billed bigint NOT NULL,          -- segments
    accepted bigint NOT NULL,        -- segments that the carrier accepted from us
    unsure bigint NOT NULL,          -- segments whose answer was lost
    refused bigint NOT NULL,
    finding text NOT NULL DEFAULT ''
        CHECK (finding IN ('', 'beside_ledger', 'not_billed', 'unknown_port')),
    PRIMARY KEY (bill_id, port)
);

-- PDU logs that were switched on, and what the last one saw: masked before it comes here. It may
-- be lost in a crash.
CREATE TABLE pdu_watch (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link text NOT NULL,    -- a link's name or a carrier's
    number_mark bytea,     -- a digest of the number to look for, with a key that is in memory only
    until timestamptz NOT NULL,
    most int NOT NULL CHECK (most > 0), -- PDUs at most, of all processes together
    ended boolean NOT NULL DEFAULT false
);

CREATE UNLOGGED TABLE pdu_seen (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    watch_id int NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL
);

CREATE TABLE event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(), -- lets readers wait for late committers
    at timestamptz NOT NULL,
    kind text NOT NULL,
    account_id int,
    subject bigint NOT NULL,
    payload bytea NOT NULL   -- msgpack, versioned by kind
);
-- Readers go by (xid, seq): a row may get its seq before or after its transaction got its xid,
-- so a cursor on seq alone would step over rows of transactions that commit late.
CREATE INDEX event_order ON event (xid, seq);
CREATE INDEX event_account ON event (account_id, xid, seq) WHERE account_id IS NOT NULL;

CREATE TABLE cursor (
    name text PRIMARY KEY,
    seq bigint NOT NULL
);

-- Columns of numbers hardly compress: kept as they are.
DO $$
DECLARE
    wide record;
BEGIN
    FOR wide IN
        SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND a.atttypid = 'bytea'::regtype
            AND c.relname IN ('batch', 'attempt_window', 'window_result', 'slot_end',
                'receipt_log', 'decision', 'batch_final', 'cap_claim', 'idempotency', 'event',
                'audience_chunk', 'handed_in', 'link_batch', 'parcel')
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STORAGE EXTERNAL',
            wide.relname, wide.attname);
    END LOOP;
END $$;

-- Partitions ----------------------------------------------------------------------------------

-- Makes the monthly partitions that hold ids made at `at` and in the `months` after.
CREATE FUNCTION ensure_partitions(at timestamptz, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamptz;
    made int := 0;
    lo bigint;
    hi bigint;
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock(4712, 2); -- two processes may ask at once
    FOR i IN 0..months LOOP
        month := date_trunc('month', at, 'UTC') + make_interval(months => i);
        lo := (extract(epoch FROM month) * 1000)::bigint << 11;
        hi := (extract(epoch FROM month + interval '1 month') * 1000)::bigint << 11;
        FOREACH parent IN ARRAY ARRAY['submission', 'decision', 'batch', 'attempt_window',
            'window_result', 'slot_end', 'receipt_log', 'batch_final', 'link_batch'] LOOP
            child := parent || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
            IF to_regclass(child) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                    child, parent, lo, hi);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- In one call: locks, then a look ------------------------------------------------------------

-- What takes locks and then looks, in one call: every statement inside sees what was committed
-- while the locks were waited for (READ COMMITTED, volatile functions).

CREATE FUNCTION enter_epoch(fence int, epoch_id int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(fence, epoch_id);
    RETURN EXISTS (SELECT FROM epoch WHERE id = epoch_id AND ended_at IS NULL);
END $$;

CREATE FUNCTION commit_facts(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz,
    restricted_after bigint DEFAULT NULL)
RETURNS TABLE (kind int, ledger text, a int, b int, c int, n bigint, at timestamptz, people bytea)
LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(classes) LOOP
        IF shared[i] THEN
            PERFORM pg_advisory_xact_lock_shared(classes[i], keys[i]);
        ELSE
            PERFORM pg_advisory_xact_lock(classes[i], keys[i]);
        END IF;
    END LOOP;
    RETURN QUERY SELECT 0, NULL::text, 0, 0, 0, 0::bigint, NULL::timestamptz, NULL::bytea
        FROM epoch WHERE epoch.id = epoch_id AND epoch.ended_at IS NULL;
    RETURN QUERY SELECT 1, nullif(e.programme_id, 0)::text, e.group_id, e.person_id,
            e.purposes::int, e.position, NULL::timestamptz, NULL::bytea
        FROM standing_end e WHERE e.position > ends_after ORDER BY e.position;
    RETURN QUERY SELECT 2, cl.ledger, cl.key, 0, 0, cl.seq, cl.at, cl.people
        FROM unnest(ledgers, cap_keys, seen) AS k (ledger, key, seen)
        JOIN cap_claim cl ON cl.ledger = k.ledger AND cl.key = k.key AND cl.seq > k.seen
        WHERE cl.at >= since
        ORDER BY cl.seq;
    RETURN QUERY SELECT 3, NULL::text, 0, 0, 0, r.id, NULL::timestamptz, NULL::bytea
        FROM restriction r WHERE r.id > restricted_after AND r.lifted_at IS NULL LIMIT 1;
END $$;

CREATE FUNCTION store_results(fence int, epoch_id int, stored_at timestamptz,
    ids bigint[], windows bigint[], batches bigint[], carriers text[], links text[],
    positions bytea[], segments bytea[], statuses bytea[], codes bytea[], carrier_ids bytea[],
    los bigint[], his bigint[], event_payload bytea,
    accounts int[], posted_batches bigint[], kinds text[], sources bigint[], debits smallint[],
    credits smallint[], counts int[], amounts bigint[], closed bigint[], finished bigint[])
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT enter_epoch(fence, epoch_id) THEN
        RETURN false;
    END IF;
    IF cardinality(ids) > 0 THEN
        INSERT INTO window_result (id, window_id, batch_id, at, carrier, link, positions, segments,
            statuses, codes, carrier_ids, lo, hi)
        SELECT i, w, b, stored_at, c, l, p, s, st, co, ci, lo, hi
        FROM unnest(ids, windows, batches, carriers, links, positions, segments, statuses, codes,
            carrier_ids, los, his) AS new (i, w, b, c, l, p, s, st, co, ci, lo, hi);
        INSERT INTO event (at, kind, account_id, subject, payload)
        VALUES (stored_at, 'result', NULL, ids[1], event_payload);
    END IF;
    IF cardinality(accounts) > 0 THEN
        INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
        SELECT a, b, k, s, d, c, g, m, stored_at
        FROM unnest(accounts, posted_batches, kinds, sources, debits, credits, counts, amounts)
            AS new (a, b, k, s, d, c, g, m);
    END IF;
    IF cardinality(closed) > 0 THEN
        DELETE FROM open_window WHERE id = ANY (closed);
    END IF;
    IF cardinality(finished) > 0 THEN
        DELETE FROM queue WHERE batch_id = ANY (finished);
    END IF;
    RETURN true;
END $$;

-- Whether an order may be taken from a balance on a day: neither the limit of its credit nor that
-- of the day is passed. Every taking asks it, in the statement that takes.
CREATE FUNCTION may_spend(available bigint, credit_limit bigint, daily_limit bigint, day date,
    day_spent bigint, cost bigint, today date)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT available + credit_limit >= cost AND (daily_limit IS NULL
        OR CASE WHEN day = today THEN day_spent ELSE 0 END + cost <= daily_limit)
$$;

-- Takes the locks of a commit of attempts and looks whether what the caller supposed still holds:
-- its epoch is open, nothing ended standing and nobody claimed since it read, the money is there
-- (held until the transaction ends). So a code is judged, stored and attempted in one call.
CREATE FUNCTION still_true(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz,
    account int, cost bigint, at timestamptz,
    restricted_after bigint DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF classes IS NULL THEN
        RETURN true; -- the caller holds the locks and has looked
    END IF;
    IF (SELECT count(*) FROM commit_facts(classes, keys, shared, epoch_id, ends_after, ledgers,
            cap_keys, seen, since, restricted_after)) <> 1 THEN
        RETURN false; -- no row: the epoch is over; more than one: something is new
    END IF;
    IF cost > 0 THEN
        PERFORM 1 FROM balance b WHERE b.account_id = account AND may_spend(b.available,
            b.credit_limit, b.daily_limit, b.day, b.day_spent, cost, spending_day(at)) FOR UPDATE;
        RETURN FOUND;
    END IF;
    RETURN true;
END $$;

-- Refusals by whole messages, each about one group (0: everybody) and none of them standing already,
-- in one call: its messages as they came (unless they are `stored`: then they are claimed), the
-- replies read from them, entries, what they end, and a confirmation each. Tells the first position;
-- nothing is stored, and null is told, where one of the messages is here or claimed already,
-- something of it is refused already, or a correction is in somebody's past.
CREATE FUNCTION refuse_at_once(locks int[], stored_at timestamptz, stored boolean,
    inbound_ids bigint[], arrived timestamptz[], carriers text[], links text[], carrier_ids bigint[], destinations text[],
    people int[], fmts smallint[], contents bytea[],
    reply_ids bigint[], texts text[], intents text[], complaints boolean[], reaches int[],
    keyword_sets text[], keyword_digests bytea[], told bytea[],
    ended smallint[], bodies bytea[], entered_at timestamptz, octets bytea[], in_groups int[],
    confirmation_ids bigint[], named text[], codes text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    one_group int;
    held int;
    head bigint;
    waits text[];
BEGIN
    FOREACH one_group IN ARRAY locks LOOP
        PERFORM pg_advisory_xact_lock(1, one_group);
    END LOOP;
    IF EXISTS (SELECT FROM unnest(reaches, people, ended) AS new (g, p, m)
            JOIN refusal r ON r.group_id IN (new.g, 0) AND r.person_id = new.p
            WHERE r.purposes & new.m <> 0)
        OR EXISTS (SELECT FROM entry e WHERE e.kind = 8 AND e.person_id = ANY (people))
        OR NOT stored AND EXISTS (
            SELECT FROM unnest(carriers, carrier_ids, people, destinations) AS new (c, i, p, d)
            JOIN inbound ON carrier = new.c AND carrier_id = new.i AND person_id = new.p
                AND destination = new.d
            WHERE carrier_id <> -9223372036854775808)
    THEN
        RETURN NULL;
    END IF;
    IF stored THEN
        PERFORM FROM inbound WHERE id = ANY (inbound_ids) AND reply_id IS NULL FOR UPDATE;
        GET DIAGNOSTICS held = ROW_COUNT;
        IF held < cardinality(inbound_ids) THEN
            RETURN NULL;
        END IF;
        UPDATE inbound SET reply_id = r FROM unnest(inbound_ids, reply_ids) AS of (i, r)
        WHERE id = i;
    ELSE
        INSERT INTO inbound (id, at, carrier, link, carrier_id, destination, person_id, fmt,
            content, reply_id)
        SELECT i, a, c, l, ci, d, p, f, co, r
        FROM unnest(inbound_ids, arrived, carriers, links, carrier_ids, destinations, people, fmts,
            contents, reply_ids) AS new (i, a, c, l, ci, d, p, f, co, r);
    END IF;
    INSERT INTO reply (id, at, carrier, destination, person_id, text, intent, complaint, complete,
        groups, keyword_set, keyword_digest)
    SELECT i, a, c, d, p, t, w, co, true, ARRAY[g], ks, kd
    FROM unnest(reply_ids, arrived, carriers, destinations, people, texts, intents, complaints,
        reaches, keyword_sets, keyword_digests) AS new (i, a, c, d, p, t, w, co, g, ks, kd);
    INSERT INTO event (at, kind, account_id, subject, payload)
    SELECT a, 'reply', NULL, i, pl FROM unnest(reply_ids, arrived, told) AS new (i, a, pl);
    -- What is in flight to each, as array literals: under these locks nothing more can be.
    waits := ARRAY(SELECT ARRAY(SELECT o.id FROM open_window o
            JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
            JOIN batch b ON b.id = o.batch_id
            WHERE o.group_id = ANY (in_groups) AND (g = 0 OR o.group_id = g)
                AND position(oc IN b.people) > 0
                AND EXISTS (SELECT FROM unpack(w.slots, 2) s
                    WHERE value_at(b.people, 4, s.value::int) = p)
            ORDER BY o.id)::text
        FROM unnest(people, reaches, octets) WITH ORDINALITY AS new (p, g, oc, n) ORDER BY n);
    -- The last lock: whoever appends next waits for this commit.
    UPDATE entry_position SET next = next + cardinality(people)
        RETURNING next - cardinality(people) INTO head;
    INSERT INTO confirmation (id, position, person_id, groups, names, receipt_code, repeat, waits,
        state, created_at)
    SELECT i, head + n - 1, p, ARRAY[g], nm, co, false, wa::bigint[], 'waiting', stored_at
    FROM unnest(confirmation_ids, people, reaches, named, codes, waits) WITH ORDINALITY
        AS new (i, p, g, nm, co, wa, n);
    INSERT INTO entry (position, at, kind, group_id, sender_id, programme_id, person_id, body)
    SELECT head + n - 1, stored_at, 3, g, 0, 0, p, b
    FROM unnest(reaches, people, bodies) WITH ORDINALITY AS new (g, p, b, n);
    INSERT INTO standing_end (position, group_id, person_id, purposes, programme_id)
    SELECT head + n - 1, g, p, m, 0
    FROM unnest(reaches, people, ended) WITH ORDINALITY AS new (g, p, m, n);
    INSERT INTO refusal (group_id, person_id, purposes, position, at)
    SELECT g, p, m, head + n - 1, entered_at
    FROM unnest(reaches, people, ended) WITH ORDINALITY AS new (g, p, m, n)
    ON CONFLICT (group_id, person_id) DO UPDATE
    SET purposes = refusal.purposes | excluded.purposes, position = excluded.position,
        at = excluded.at;
    DELETE FROM standing s
    USING unnest(reaches, people, ended) AS gone (g, p, m), programme, sender
    WHERE s.person_id = gone.p AND programme.id = s.programme_id
        AND sender.id = programme.sender_id AND gone.g IN (sender.group_id, 0)
        AND programme.purposes & gone.m <> 0;
    PERFORM pg_notify('ledger', (head + cardinality(people) - 1)::text);
    PERFORM pg_notify('confirm', '');
    RETURN head;
END $$;

-- Admission: applications, review --------------------------------------------------------------

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

-- For people: unpacking -----------------------------------------------------------------------

CREATE FUNCTION unpack(data bytea, width int) RETURNS TABLE (place int, value numeric)
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT p, sum(get_byte(data, p * width + b)::numeric * (256::numeric ^ b))::numeric
    FROM generate_series(0, length(data) / width - 1) p, generate_series(0, width - 1) b
    GROUP BY p ORDER BY p
$$;

CREATE FUNCTION value_at(data bytea, width int, place int) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT sum(get_byte(data, place * width + b)::bigint << (8 * b))::bigint
    FROM generate_series(0, width - 1) b
$$;

CREATE FUNCTION state_word(state int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (ARRAY['queued', 'attempted', 'accepted', 'delivered', 'failed', 'refused',
        'withheld', 'cancelled', 'expired', 'over_cap', 'unsure', 'stopped',
        'restricted'])[state + 1]
$$;

CREATE VIEW message AS
SELECT b.id * 1024 + p.place AS id, b.id AS batch_id, p.place AS slot, b.account_id, b.sender_id,
    b.campaign_id, b.purpose, b.carrier, p.value::int AS person_id,
    get_byte(b.segments, p.place) AS segments, b.accepted_at
FROM batch b, unpack(b.people, 4) p;

CREATE VIEW attempt AS
SELECT w.batch_id * 1024 + s.value::bigint AS message_id, w.id AS window_id, s.place AS position,
    get_byte(w.tries, s.place) AS try, w.epoch, w.at
FROM attempt_window w, unpack(w.slots, 2) s;

CREATE VIEW attempt_result AS
SELECT r.batch_id * 1024 + value_at(w.slots, 2, p.value::int) AS message_id, r.window_id,
    get_byte(r.segments, p.place) AS segment, get_byte(r.statuses, p.place) AS status,
    value_at(r.codes, 4, p.place) AS code, r.carrier, r.link, r.at
FROM window_result r JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id,
    unpack(r.positions, 2) p;

CREATE VIEW receipt AS
SELECT m.value::bigint AS message_id, get_byte(r.segments, m.place) AS segment,
    state_word(get_byte(r.states, m.place)) AS state, r.carrier, r.at
FROM receipt_log r, unpack(r.messages, 8) m;

CREATE VIEW rejection AS
SELECT d.submission_id, value_at(d.rows, 4, p.place) AS input_row, p.value::int AS person_id,
    value_at(d.reasons, 2, p.place) AS reason
FROM decision d, unpack(d.people, 4) p;

-- Receivers' page: a proof that somebody reads what comes to a number --------------------------------

-- A code that was sent, by the ticket it was asked with (flow/receiver_proof.py).
CREATE TABLE receiver_code (
    ticket bytea PRIMARY KEY CHECK (length(ticket) = 32), -- digest of what the page keeps
    person_id int NOT NULL,
    code bytea NOT NULL CHECK (length(code) = 32),        -- keyed digest of ticket and code
    at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    used_at timestamptz
);
CREATE INDEX receiver_code_at ON receiver_code (at);

-- A receiver who proved her number and looks at her page.
CREATE TABLE receiver_session (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of what her cookie holds
    person_id int NOT NULL,
    browser bytea NOT NULL,                               -- keyed digest of what her browser calls itself
    begun_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- A file of complaints that a carrier or 12321 sent.
CREATE TABLE complaint_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('carrier', '12321')),
    carrier text NOT NULL DEFAULT '', -- whose, where one sent it
    mapping text NOT NULL,            -- what its columns were read with
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    rows int NOT NULL,
    accepted int NOT NULL,
    faults jsonb NOT NULL,            -- rows that could not be used, by their place
    at timestamptz NOT NULL,
    key_id int,
    actor_id int,
    done boolean NOT NULL DEFAULT false -- all of its rows are complaints
);

-- What receivers report, by whatever door, and what it was matched to.
CREATE TABLE complaint (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CONSTRAINT complaint_source_check
        CHECK (source IN ('receiver', 'telephone', 'reply', 'carrier', '12321', 'api')),
    person_id int,                     -- who complains, where her number was told
    message_id bigint,
    sender_id int REFERENCES sender,   -- NULL: nobody of ours could be matched
    receipt_code text NOT NULL UNIQUE, -- told to her
    sealed bytea,                      -- her words, as `complaint.sealed/RECEIPT`; NULL once erased
    state text NOT NULL CONSTRAINT complaint_state_check
        CHECK (state IN ('open', 'forwarded', 'answered', 'not_ours')),
    at timestamptz NOT NULL,           -- when it reached us
    file_id bigint REFERENCES complaint_file,
    reference text,                    -- the other side's number of it
    number text NOT NULL DEFAULT '',   -- the code number complained of; '' where it is a person's
    port_type boolean NOT NULL DEFAULT true, -- false: point to point, from a subscriber's number
    port_id int REFERENCES port,
    account_id int REFERENCES account, -- who ordered it
    matched text NOT NULL DEFAULT ''   -- by what, best first; '': not at all
        CONSTRAINT complaint_matched CHECK (matched IN ('', 'message', 'text', 'port')),
    carrier text NOT NULL DEFAULT '',  -- of the person who complains
    province smallint NOT NULL DEFAULT 0, -- place in the number table's provinces; 0: unknown
    purpose smallint,
    category text NOT NULL DEFAULT '', -- of what was sent (screen/categories.py), or as reported
    brand text NOT NULL DEFAULT '',    -- as the text calls its sender; '': the sender's name
    complained_at timestamptz NOT NULL, -- when she did
    due_at timestamptz,                -- until when the rule wants an answer
    answered_at timestamptz,
    forward_by timestamptz             -- until when it is to be passed on to whom it concerns
);
CREATE INDEX complaint_person ON complaint (person_id, id);
CREATE INDEX complaint_sender ON complaint (sender_id, id);
CREATE UNIQUE INDEX complaint_reference ON complaint (source, carrier, reference)
    WHERE reference IS NOT NULL;
CREATE INDEX complaint_at ON complaint (complained_at, id);
CREATE INDEX complaint_due ON complaint (due_at, id) WHERE state IN ('open', 'forwarded');
CREATE INDEX complaint_account ON complaint (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX complaint_port ON complaint (port_id, id) WHERE port_id IS NOT NULL;

-- Pages behind links (docs/screening-pages.md) -----------------------------------------------------

-- A link that texts lead to; one row, however many templates and campaigns have it.
CREATE TABLE page (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32), -- SHA-256 of url
    host text NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'clear', 'held', 'stopped')),
        -- new → clear or held; clear ⇄ held; held → stopped; stopped → held
    outcome text NOT NULL DEFAULT 'unknown'                   -- of the last look
        CHECK (outcome IN ('seen', 'gone', 'refused', 'failed', 'own', 'unknown')),
    why text NOT NULL DEFAULT '',
    findings jsonb NOT NULL DEFAULT '[]',                     -- of the last look that told something
    accepted text[] NOT NULL DEFAULT '{}',                    -- grave findings that a reviewer accepted
    failures int NOT NULL DEFAULT 0,                          -- looks in a row that told nothing
    doubts int NOT NULL DEFAULT 0,                            -- looks in a row at which it seemed gone
    first_at timestamptz NOT NULL,
    looked_at timestamptz,
    next_at timestamptz                                       -- NULL: nothing leads there now
);
CREATE INDEX page_due ON page (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX page_state ON page (state, id);

-- What a kind of visitor saw there. Looks that tell the same are one version.
CREATE TABLE page_version (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id int NOT NULL REFERENCES page ON DELETE CASCADE,
    profile text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    look bytea NOT NULL,                                      -- chain and fingerprint, packed
    looks int NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    accepted_at timestamptz,                                  -- later looks are compared with the last
    UNIQUE (page_id, profile, digest)
);
CREATE INDEX page_version_last ON page_version (last_at);

-- What leads to a page. `paused_at`: a campaign that rests because of it.
CREATE TABLE page_use (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id int NOT NULL REFERENCES page ON DELETE CASCADE,
    template_id int REFERENCES template,
    campaign_id bigint REFERENCES campaign,
    paused_at timestamptz,
    CHECK ((template_id IS NULL) <> (campaign_id IS NULL)),
    UNIQUE (page_id, template_id),
    UNIQUE (page_id, campaign_id)
);
CREATE INDEX page_use_template ON page_use (template_id);
CREATE INDEX page_use_campaign ON page_use (campaign_id);

-- Templates and campaigns whose links are known.
CREATE TABLE page_scan (
    kind text NOT NULL CHECK (kind IN ('template', 'campaign')),
    subject bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- Same text, many hands ---------------------------------------------------------------------------

-- A text that was handed in or ordered, by its signature (screen/minhash.py): none can be read from
-- it. Texts that are near each other are of one family: the id of its first.
CREATE TABLE text_print (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    signature bytea NOT NULL UNIQUE CHECK (length(signature) = 96),
    letters int NOT NULL,
    family bigint NOT NULL,
    category text NOT NULL DEFAULT '', -- a code of screen/categories.py; '': not told
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    refused_at timestamptz   -- a reviewer turned down a group that shares it
);
CREATE INDEX text_print_family ON text_print (family);

-- Who ordered it for whom: one row for all orders of it. `first_subject`, `last_subject`: ids of
-- template, campaign or submission.
CREATE TABLE text_use (
    print_id bigint NOT NULL REFERENCES text_print ON DELETE CASCADE,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    what text NOT NULL CHECK (what IN ('template', 'campaign', 'order')),
    purpose smallint NOT NULL,
    first_subject bigint NOT NULL,
    last_subject bigint NOT NULL,
    uses bigint NOT NULL,
    marks text[] NOT NULL,   -- `host NAME`; `contact HEX`, a keyed digest
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    told_at timestamptz,     -- a reviewer was told that such a text was turned down before
    PRIMARY KEY (print_id, account_id, sender_id, what)
);
CREATE INDEX text_use_last ON text_use (last_at);
CREATE INDEX text_use_subject ON text_use (what, first_subject);

-- Parties that act together (screen/groups.py), as they were seen last.
CREATE TABLE order_group (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('open', 'lawful', 'harmful')),
    parties int NOT NULL,
    accounts int NOT NULL,
    copies int NOT NULL,       -- accounts whose papers were seen as electronic copies only
    reasons jsonb NOT NULL,
    first_at timestamptz NOT NULL, -- of the members' orders
    last_at timestamptz NOT NULL,
    found_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_parties int NOT NULL DEFAULT 0 -- how many it had then
);

CREATE TABLE order_group_member (
    group_id int NOT NULL REFERENCES order_group,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    since timestamptz NOT NULL,
    PRIMARY KEY (group_id, account_id, sender_id)
);
CREATE INDEX order_group_member_account ON order_group_member (account_id);

-- The key that signs our files of fingerprints; sealed as `fingerprint_key.sealed/NAME`.
CREATE TABLE fingerprint_key (
    name text PRIMARY KEY,
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL
);

-- Platforms whose files we take.
CREATE TABLE fingerprint_peer (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    key text NOT NULL, -- its public key, NAME+ID+KEY
    added_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX fingerprint_peer_standing ON fingerprint_peer (name) WHERE removed_at IS NULL;

-- A file that was taken.
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
    refused boolean NOT NULL,  -- there it was rejected
    uses int NOT NULL,
    first_on date NOT NULL,
    last_on date NOT NULL,
    UNIQUE (source_id, signature)
);

-- Which of our texts are near which of theirs.
CREATE TABLE text_known (
    print_id bigint NOT NULL REFERENCES text_print ON DELETE CASCADE,
    fingerprint_id bigint NOT NULL REFERENCES fingerprint ON DELETE CASCADE,
    similarity real NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (print_id, fingerprint_id)
);

-- Texts that a person has to look at -----------------------------------------------------------

-- A text that screening held or turned down: reviewed once for all orders of it by a sender for a
-- purpose (flow/text_reviews.py). held → approved, refused or changed; approved → held again when
-- it expires or newer versions find it graver; refused → approved by an appeal.
CREATE TABLE text_review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    purpose smallint NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32), -- keyed, of the normalised text
    kind text NOT NULL CHECK (kind IN ('text', 'values', 'template')),
    account_id int NOT NULL REFERENCES account,        -- who handed it in first, and may be asked
    template_id int REFERENCES template,               -- whose values they are
    state text NOT NULL CHECK (state IN ('held', 'approved', 'refused', 'changed')),
    sealed bytea NOT NULL,                             -- the text, as `text_review/SENDER/DIGEST`
    changed_sealed bytea,                              -- what a reviewer made of it
    changed_to bigint REFERENCES text_review,          -- where that is approved
    verdict smallint NOT NULL CHECK (verdict IN (0, 1, 2)), -- of screening: allow, hold, reject
    category text NOT NULL,
    spam real NOT NULL,
    findings jsonb NOT NULL,                           -- {code, severity, spans, en, zh, owner}
    screening bytea NOT NULL,                          -- digest of models, word sets and lists
    approved_verdict smallint,                         -- what was approved; a graver one is held
    opened_at timestamptz NOT NULL,
    decided_at timestamptz,                            -- NULL and refused: by screening alone
    expires_at timestamptz,
    code text NOT NULL DEFAULT '',                     -- a word of registry/decisions.py
    signature bytea                                    -- screen/minhash.py; NULL: none was made
        CONSTRAINT text_review_signature CHECK (length(signature) = 96),
    UNIQUE (sender_id, purpose, digest)
);
CREATE INDEX text_review_account ON text_review (account_id, id);
CREATE INDEX text_review_category ON text_review (sender_id, category, id);
CREATE INDEX text_review_decided ON text_review (id) WHERE decided_at IS NOT NULL;
CREATE INDEX text_review_opened ON text_review (opened_at);
CREATE INDEX text_review_template ON text_review (template_id) WHERE template_id IS NOT NULL;

-- What a person said of a text: the data that models are trained and reviewers compared with. It
-- only grows.
CREATE TABLE text_label (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id bigint NOT NULL REFERENCES text_review,
    item_id bigint NOT NULL REFERENCES review_item,
    at timestamptz NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    verdict text NOT NULL CHECK (verdict IN ('approve', 'refuse', 'change')),
    stage text NOT NULL CHECK (stage IN ('first', 'second', 'appeal')),
    category text NOT NULL,    -- what the person calls it, else what screening did
    machine smallint NOT NULL, -- what screening said of it then
    screening bytea NOT NULL,
    code text NOT NULL
);
CREATE INDEX text_label_review ON text_label (review_id, id);
CREATE INDEX text_label_at ON text_label (at);
CREATE TRIGGER text_label_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON text_label
    FOR EACH STATEMENT EXECUTE FUNCTION admission_is_append_only();

-- What a customer says against a held or refused text; another reviewer decides.
CREATE TABLE text_appeal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id bigint NOT NULL REFERENCES text_review,
    account_id int NOT NULL REFERENCES account,
    at timestamptz NOT NULL,
    words text NOT NULL,
    against text NOT NULL CHECK (against IN ('held', 'refused')),
    state text NOT NULL CHECK (state IN ('open', 'overturned', 'upheld')),
    decided_at timestamptz
);
CREATE UNIQUE INDEX text_appeal_open ON text_appeal (review_id) WHERE state = 'open';
CREATE INDEX text_appeal_review ON text_appeal (review_id, id);

-- What screening said of a template that is in use, when a person approved it. What newer versions
-- find graver is held until a person has looked at it again.
CREATE TABLE template_screening (
    template_id int PRIMARY KEY REFERENCES template,
    verdict smallint NOT NULL CHECK (verdict IN (0, 1, 2)), -- the gravest that was approved
    screening bytea NOT NULL,                               -- what it was screened with last
    at timestamptz NOT NULL,
    category text                                           -- what it is; NULL: not asked yet
);

-- What was said and done about a complaint.
CREATE TABLE complaint_word (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    complaint_id bigint NOT NULL REFERENCES complaint,
    kind text NOT NULL CHECK (kind IN ('note', 'reminder', 'forwarded', 'answer', 'refusal')),
    sealed bytea,
    key_id int,
    actor_id int,
    at timestamptz NOT NULL,
    account_id int REFERENCES account, -- the customer whose words they are; NULL: staff's
    about text NOT NULL DEFAULT ''     -- what a reminder reminds of
);
CREATE INDEX complaint_word_complaint ON complaint_word (complaint_id, id);
CREATE UNIQUE INDEX complaint_reminded ON complaint_word (complaint_id, about)
    WHERE kind = 'reminder';

-- Counts an hour ---------------------------------------------------------------------------------

-- Messages by the hour they were accepted in (docs/rollups.md). Kept by flow/rollups.py alone;
-- rebuildable from batches, their answers and receipts, the ledger and complaints.
CREATE TABLE rollup_hour (
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    carrier text NOT NULL,
    province smallint NOT NULL,
    category text NOT NULL,
    purpose smallint NOT NULL,
    submitted bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    complained bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, port_id, sender_id, account_id, carrier, province, category, purpose)
);
CREATE INDEX rollup_hour_sender ON rollup_hour (sender_id, hour);

-- Failed messages by the carrier's code: the number of its answer, or the word of its report.
CREATE TABLE rollup_failure (
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    carrier text NOT NULL,
    code bigint NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (hour, port_id, carrier, code)
);

-- What of a batch is counted: a row from the moment it is. Which message had which end is kept, so
-- that nothing is counted twice, whatever is read again.
CREATE TABLE rollup_batch (
    batch_id bigint PRIMARY KEY,
    ends bytea,  -- u8 a message: 1 delivered, 2 failed; NULL: none yet
    codes bytea  -- u64 a message: the greatest code of a failure that was told; NULL: none
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE rollup_batch ALTER COLUMN ends SET STORAGE EXTERNAL;
ALTER TABLE rollup_batch ALTER COLUMN codes SET STORAGE EXTERNAL;

-- Where a complaint is counted.
CREATE TABLE rollup_complaint (
    complaint_id bigint PRIMARY KEY,
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    carrier text NOT NULL,
    province smallint NOT NULL,
    category text NOT NULL,
    purpose smallint NOT NULL
);

-- Where a refusal is counted, by its place in the ledger.
CREATE TABLE rollup_refusal (
    position bigint PRIMARY KEY,
    at timestamptz NOT NULL,    -- when she refused
    message_id bigint NOT NULL, -- the last one that she got from those she refused; 0: none
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    carrier text NOT NULL,
    province smallint NOT NULL,
    category text NOT NULL,
    purpose smallint NOT NULL
);
CREATE INDEX rollup_refusal_message ON rollup_refusal (message_id) WHERE message_id > 0;
CREATE INDEX rollup_refusal_hour ON rollup_refusal (hour);

-- Restrictions, alarms, cases ------------------------------------------------------------------

-- What must not leave for a while: a fact that decisions read. Whatever of its scope is set must
-- match; '', 0 and NULL match everything.
CREATE TABLE restriction (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id int REFERENCES sender_group,
    sender_id int REFERENCES sender,
    account_id int REFERENCES account,
    port_id int REFERENCES port,
    carrier text NOT NULL DEFAULT '',
    province smallint NOT NULL DEFAULT 0,
    category text NOT NULL DEFAULT '',
    purposes smallint NOT NULL DEFAULT 0,
    effect text NOT NULL CHECK (effect IN ('defer', 'hold', 'reject')),
    code text NOT NULL,
    words jsonb NOT NULL,
    source text NOT NULL CHECK (source IN ('ceiling', 'case', 'carrier', 'staff')),
    source_id bigint,
    step smallint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL,
    until timestamptz,
    lifted_at timestamptz,
    lifted_by text NOT NULL DEFAULT '',
    CHECK (effect <> 'defer' OR until IS NOT NULL)
);
CREATE INDEX restriction_open ON restriction (id) WHERE lifted_at IS NULL;
CREATE INDEX restriction_source ON restriction (source, source_id);

-- What crossed a ceiling: what was counted, in which hours, and what that comes to. The restriction
-- that follows names it. `withdrawn_at`: counted again, it is no crossing any more.
CREATE TABLE ceiling_finding (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ceiling text NOT NULL,           -- an id of the rulebook's ceilings
    key text NOT NULL,               -- what was counted apart, such as sender=1,carrier=mobile
    from_hour timestamptz NOT NULL,
    to_hour timestamptz NOT NULL,    -- of the last hour that was counted
    messages bigint NOT NULL,
    events bigint NOT NULL,
    rate float8 NOT NULL,            -- the ceiling
    bound float8 NOT NULL,           -- the rate that the true one is above
    confidence float8 NOT NULL,
    step smallint NOT NULL CHECK (step > 0),
    rulebook bytea NOT NULL CHECK (length(rulebook) = 32),
    at timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX ceiling_finding_key ON ceiling_finding (ceiling, key, id);

-- Lists of people whom a carrier wants nothing commercial sent to, as it gave them.
CREATE TABLE carrier_block_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    dated date NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    rows int NOT NULL,
    accepted int NOT NULL,
    faults jsonb NOT NULL,           -- {row, code} of those that were not taken
    at timestamptz NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    UNIQUE (carrier, sha256)
);

-- Whom a carrier blocks by now: those of its last file.
CREATE TABLE carrier_block (
    carrier text NOT NULL,
    person_id int NOT NULL,
    file_id bigint NOT NULL REFERENCES carrier_block_file,
    PRIMARY KEY (carrier, person_id)
);
CREATE INDEX carrier_block_person ON carrier_block (person_id);

-- What a detector saw. One row while it goes on, however often it is seen.
CREATE TABLE alarm (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector text NOT NULL,
    key text NOT NULL,
    severity smallint NOT NULL CHECK (severity IN (1, 2, 3)),
    sender_id int REFERENCES sender,
    account_id int REFERENCES account,
    port_id int REFERENCES port,
    accounts int[] NOT NULL DEFAULT '{}',
    evidence jsonb NOT NULL,
    score real NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'case', 'dismissed', 'ended')),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    times int NOT NULL DEFAULT 1,
    decided_at timestamptz,
    key_id int,
    actor_id int,
    why text NOT NULL DEFAULT '',
    label text NOT NULL DEFAULT '' -- what staff say of it
        CONSTRAINT alarm_label CHECK (label IN ('', 'right', 'wrong'))
);
CREATE UNIQUE INDEX alarm_open ON alarm (detector, key) WHERE state IN ('open', 'case');
CREATE INDEX alarm_at ON alarm (last_at, id);
CREATE INDEX alarm_sender ON alarm (sender_id, id) WHERE sender_id IS NOT NULL;

-- What early warning counts beside rollup_hour (flow/warning_facts.py), by the hour of acceptance.
CREATE TABLE warning_hour (
    hour timestamptz NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    port_id int NOT NULL,                -- 0: of orders, before they have ports
    purpose smallint NOT NULL,
    ordered bigint NOT NULL DEFAULT 0,   -- people that orders named
    nowhere bigint NOT NULL DEFAULT 0,   -- of them: no number of anybody
    barred bigint NOT NULL DEFAULT 0,    -- of them: had refused
    capped bigint NOT NULL DEFAULT 0,    -- of them: had too many already
    written bigint NOT NULL DEFAULT 0,   -- messages
    strangers bigint NOT NULL DEFAULT 0, -- people the sender had not written to, estimated
    looked bigint NOT NULL DEFAULT 0,    -- numbers compared with others of their batch
    beside bigint NOT NULL DEFAULT 0,    -- of them: next to another, or in equal steps
    again bigint NOT NULL DEFAULT 0,     -- codes to who got one from the sender shortly before
    bulk bigint NOT NULL DEFAULT 0,      -- codes ordered together with others
    pressed bigint NOT NULL DEFAULT 0,   -- codes to who just got many, or from many senders
    completed bigint NOT NULL DEFAULT 0, -- codes that were used, as the customer says
    valued bigint NOT NULL DEFAULT 0,    -- messages with variables
    carrying bigint NOT NULL DEFAULT 0,  -- of them: a value says more than a value should
    PRIMARY KEY (hour, sender_id, account_id, port_id, purpose)
);

-- Whom a sender wrote to: a HyperLogLog, from which nobody can be read.
CREATE TABLE warning_sketch (
    sender_id int PRIMARY KEY REFERENCES sender,
    registers bytea NOT NULL CHECK (length(registers) = 4096)
);

-- Codes that were used, as customers say. Rows go when their hour is no longer compared with.
CREATE TABLE code_completed (
    message_id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    at timestamptz NOT NULL
);
CREATE INDEX code_completed_at ON code_completed (at);

-- What the platform does about somebody.
CREATE TABLE case_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('enforcement', 'records')),
    opened_by text NOT NULL CHECK (opened_by IN ('alarm', 'complaint', 'staff', 'rule')),
    title text NOT NULL,
    sender_id int REFERENCES sender,
    account_id int REFERENCES account,
    port_id int REFERENCES port,
    entity_id int REFERENCES entity,
    severity smallint NOT NULL CHECK (severity IN (1, 2, 3)),
    step text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed', 'reversed')),
    owner_id int REFERENCES actor,
    opened_at timestamptz NOT NULL,
    due_at timestamptz,     -- when something is to be done next, by whomever
    closed_at timestamptz,
    start text NOT NULL DEFAULT '', -- the step at which it may begin: who was dealt with before
    ladder text NOT NULL DEFAULT '' -- version and digest of the ladder it was opened under
);
CREATE UNIQUE INDEX case_file_one ON case_file (sender_id, account_id, port_id) NULLS NOT DISTINCT
    WHERE kind = 'enforcement' AND state = 'open';
CREATE INDEX case_file_entity ON case_file (entity_id, id) WHERE entity_id IS NOT NULL;
CREATE INDEX case_file_open ON case_file (due_at, id) WHERE state = 'open';
CREATE INDEX case_file_account ON case_file (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX case_file_sender ON case_file (sender_id, id) WHERE sender_id IS NOT NULL;

-- Steps, words and decisions of a case. It only grows.
CREATE TABLE case_step (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id bigint NOT NULL REFERENCES case_file,
    action text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('done', 'proposed', 'agreed', 'declined', 'appealed', 'upheld', 'reversed')),
    of_step bigint REFERENCES case_step,
    rule text NOT NULL DEFAULT '',
    details jsonb NOT NULL DEFAULT '{}',
    until timestamptz,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int,
    account_id int
);
CREATE INDEX case_step_case ON case_step (case_id, id);
CREATE TRIGGER case_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON case_step
    FOR EACH STATEMENT EXECUTE FUNCTION admission_is_append_only();

-- What somebody wrote in a step, sealed as `case_word/STEP`.
CREATE TABLE case_word (
    step_id bigint PRIMARY KEY REFERENCES case_step,
    sealed bytea NOT NULL
);

-- What a case rests on, by reference.
CREATE TABLE case_evidence (
    case_id bigint NOT NULL REFERENCES case_file,
    kind text NOT NULL CHECK (kind IN ('alarm', 'complaint', 'message', 'campaign', 'submission',
        'consent_case', 'text_review', 'page', 'order_group', 'document', 'entity', 'account')),
    ref bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (case_id, kind, ref)
);
CREATE INDEX case_evidence_ref ON case_evidence (kind, ref);

-- Figures that others made (docs/statistics.md) -----------------------------------------------------

-- What a centre published, as its papers say it; shown beside ours.
CREATE TABLE statistic_published (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period text NOT NULL,  -- 2026Q3
    measure text NOT NULL, -- in the words of its source
    part text NOT NULL,    -- of a measure with several; '' otherwise
    value numeric NOT NULL,
    unit text NOT NULL
        CHECK (unit IN ('percent', 'count', 'per_million_users', 'per_100m_messages')),
    ours text NOT NULL,    -- the figure of ours that stands beside it; '': none
    source text NOT NULL,
    doubt text NOT NULL,   -- approximate, unnamed
    at timestamptz NOT NULL,
    key_id int,
    actor_id int,
    UNIQUE (period, measure, part, source)
);

-- How many users a carrier has in a province (its place in the number table; 0: everywhere).
CREATE TABLE statistic_users (
    carrier text NOT NULL,
    province smallint NOT NULL,
    as_of date NOT NULL,
    users bigint NOT NULL CHECK (users >= 0),
    source text NOT NULL,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int,
    PRIMARY KEY (carrier, province, as_of)
);
