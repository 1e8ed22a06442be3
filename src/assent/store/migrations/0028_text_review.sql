-- Texts that screening holds or turns down, what reviewers say of them, appeals.
-- Why: a text is reviewed once, not order by order, and every decision teaches the next model.
-- Old code on this schema: screens nothing and holds nothing; its submissions tell no screening.

ALTER TABLE submission ADD COLUMN screening jsonb;
ALTER TABLE campaign ADD COLUMN text_review_id bigint;
CREATE INDEX campaign_text_review ON campaign (text_review_id) WHERE text_review_id IS NOT NULL;

CREATE TABLE text_review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_id int NOT NULL REFERENCES sender,
    purpose smallint NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    kind text NOT NULL CHECK (kind IN ('text', 'values', 'template')),
    account_id int NOT NULL REFERENCES account,
    template_id int REFERENCES template,
    state text NOT NULL CHECK (state IN ('held', 'approved', 'refused', 'changed')),
    sealed bytea NOT NULL,
    changed_sealed bytea,
    changed_to bigint REFERENCES text_review,
    verdict smallint NOT NULL CHECK (verdict IN (0, 1, 2)),
    category text NOT NULL,
    spam real NOT NULL,
    findings jsonb NOT NULL,
    screening bytea NOT NULL,
    approved_verdict smallint,
    opened_at timestamptz NOT NULL,
    decided_at timestamptz,
    expires_at timestamptz,
    code text NOT NULL DEFAULT '',
    UNIQUE (sender_id, purpose, digest)
);
CREATE INDEX text_review_account ON text_review (account_id, id);
CREATE INDEX text_review_category ON text_review (sender_id, category, id);
CREATE INDEX text_review_opened ON text_review (opened_at);
CREATE INDEX text_review_template ON text_review (template_id) WHERE template_id IS NOT NULL;

CREATE TABLE text_label (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id bigint NOT NULL REFERENCES text_review,
    item_id bigint NOT NULL REFERENCES review_item,
    at timestamptz NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    verdict text NOT NULL CHECK (verdict IN ('approve', 'refuse', 'change')),
    stage text NOT NULL CHECK (stage IN ('first', 'second', 'appeal')),
    category text NOT NULL,
    machine smallint NOT NULL,
    screening bytea NOT NULL,
    code text NOT NULL
);
CREATE INDEX text_label_review ON text_label (review_id, id);
CREATE INDEX text_label_at ON text_label (at);
CREATE TRIGGER text_label_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON text_label
    FOR EACH STATEMENT EXECUTE FUNCTION admission_is_append_only();

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

CREATE TABLE template_screening (
    template_id int PRIMARY KEY REFERENCES template,
    verdict smallint NOT NULL CHECK (verdict IN (0, 1, 2)),
    screening bytea NOT NULL,
    at timestamptz NOT NULL
);
