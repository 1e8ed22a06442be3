-- Figures that others made: what a centre published, and how many users carriers have.
-- Why: statistics show published figures beside ours, and complaints per million users.
-- Old code on this schema: it knows neither table and is not disturbed.

CREATE TABLE statistic_published (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period text NOT NULL,
    measure text NOT NULL,
    part text NOT NULL,
    value numeric NOT NULL,
    unit text NOT NULL
        CHECK (unit IN ('percent', 'count', 'per_million_users', 'per_100m_messages')),
    ours text NOT NULL,
    source text NOT NULL,
    doubt text NOT NULL,
    at timestamptz NOT NULL,
    key_id int,
    actor_id int,
    UNIQUE (period, measure, part, source)
);

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
