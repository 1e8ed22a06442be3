-- Pages behind links: what they show, which templates and campaigns lead there, and versions.
-- Why: a page that changes after it was looked at makes another text of the one that was approved.
-- Old code on this schema: looks behind no link; campaigns that wait because of a page stay paused.

CREATE TABLE page (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    host text NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'clear', 'held', 'stopped')),
    outcome text NOT NULL DEFAULT 'unknown'
        CHECK (outcome IN ('seen', 'gone', 'refused', 'failed', 'own', 'unknown')),
    why text NOT NULL DEFAULT '',
    findings jsonb NOT NULL DEFAULT '[]',
    accepted text[] NOT NULL DEFAULT '{}',
    failures int NOT NULL DEFAULT 0,
    doubts int NOT NULL DEFAULT 0,
    first_at timestamptz NOT NULL,
    looked_at timestamptz,
    next_at timestamptz
);
CREATE INDEX page_due ON page (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX page_state ON page (state, id);

CREATE TABLE page_version (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id int NOT NULL REFERENCES page ON DELETE CASCADE,
    profile text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    look bytea NOT NULL,
    looks int NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    accepted_at timestamptz,
    UNIQUE (page_id, profile, digest)
);
CREATE INDEX page_version_last ON page_version (last_at);

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

CREATE TABLE page_scan (
    kind text NOT NULL CHECK (kind IN ('template', 'campaign')),
    subject bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
