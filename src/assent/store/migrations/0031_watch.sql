-- Complaints from every door, counts an hour, restrictions, alarms and cases.
-- Why: what receivers, carriers and 12321 report, and what the platform sees by itself, is matched,
-- counted, answered and acted on.
-- Old code on this schema: it writes complaints of receivers and the telephone as before, knows no
-- restriction and obeys none: do not roll back while restrictions are in force.

CREATE TABLE complaint_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('carrier', '12321')),
    carrier text NOT NULL DEFAULT '',
    mapping text NOT NULL,
    sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    rows int NOT NULL,
    accepted int NOT NULL,
    faults jsonb NOT NULL,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int
);

ALTER TABLE complaint DROP CONSTRAINT complaint_source_check;
ALTER TABLE complaint ADD CONSTRAINT complaint_source_check
    CHECK (source IN ('receiver', 'telephone', 'reply', 'carrier', '12321', 'api'));
ALTER TABLE complaint DROP CONSTRAINT complaint_state_check;
ALTER TABLE complaint ADD CONSTRAINT complaint_state_check
    CHECK (state IN ('open', 'forwarded', 'answered', 'not_ours'));
ALTER TABLE complaint ALTER COLUMN person_id DROP NOT NULL;
ALTER TABLE complaint ALTER COLUMN sender_id DROP NOT NULL;
ALTER TABLE complaint
    ADD COLUMN file_id bigint REFERENCES complaint_file,
    ADD COLUMN reference text,
    ADD COLUMN number text NOT NULL DEFAULT '',
    ADD COLUMN port_type boolean NOT NULL DEFAULT true,
    ADD COLUMN port_id int REFERENCES port,
    ADD COLUMN account_id int REFERENCES account,
    ADD COLUMN matched text NOT NULL DEFAULT ''
        CONSTRAINT complaint_matched CHECK (matched IN ('', 'message', 'text', 'port')),
    ADD COLUMN carrier text NOT NULL DEFAULT '',
    ADD COLUMN province smallint NOT NULL DEFAULT 0,
    ADD COLUMN purpose smallint,
    ADD COLUMN category text NOT NULL DEFAULT '',
    ADD COLUMN brand text NOT NULL DEFAULT '',
    ADD COLUMN complained_at timestamptz,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN answered_at timestamptz;
UPDATE complaint SET complained_at = at;
ALTER TABLE complaint ALTER COLUMN complained_at SET NOT NULL;
CREATE UNIQUE INDEX complaint_reference ON complaint (source, carrier, reference)
    WHERE reference IS NOT NULL;
CREATE INDEX complaint_at ON complaint (complained_at, id);
CREATE INDEX complaint_due ON complaint (due_at, id) WHERE state IN ('open', 'forwarded');
CREATE INDEX complaint_account ON complaint (account_id, id) WHERE account_id IS NOT NULL;

CREATE TABLE complaint_word (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    complaint_id bigint NOT NULL REFERENCES complaint,
    kind text NOT NULL CHECK (kind IN ('note', 'reminder', 'forwarded', 'answer', 'refusal')),
    sealed bytea,
    key_id int,
    actor_id int,
    at timestamptz NOT NULL
);
CREATE INDEX complaint_word_complaint ON complaint_word (complaint_id, id);

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

CREATE TABLE rollup_failure (
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    carrier text NOT NULL,
    code bigint NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (hour, port_id, carrier, code)
);

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
    why text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alarm_open ON alarm (detector, key) WHERE state IN ('open', 'case');
CREATE INDEX alarm_at ON alarm (last_at, id);
CREATE INDEX alarm_sender ON alarm (sender_id, id) WHERE sender_id IS NOT NULL;

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
    due_at timestamptz,
    closed_at timestamptz
);
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
    sealed bytea,
    until timestamptz,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int,
    account_id int
);
CREATE INDEX case_step_case ON case_step (case_id, id);
CREATE TRIGGER case_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON case_step
    FOR EACH STATEMENT EXECUTE FUNCTION admission_is_append_only();

CREATE TABLE case_evidence (
    case_id bigint NOT NULL REFERENCES case_file,
    kind text NOT NULL CHECK (kind IN ('alarm', 'complaint', 'message', 'campaign', 'submission',
        'consent_case', 'text_review', 'page', 'order_group', 'document', 'entity', 'account')),
    ref bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (case_id, kind, ref)
);
CREATE INDEX case_evidence_ref ON case_evidence (kind, ref);
