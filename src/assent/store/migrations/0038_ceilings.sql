-- Ceilings that were crossed, and carriers' own lists of people to be left alone.
-- Why: who is restricted can see what was counted; carriers know people who want nothing commercial.
-- Old code on this schema: it crosses no ceiling and obeys no such list.

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

CREATE INDEX staff_act_restriction ON staff_act (subject) WHERE what = 'restriction.impose';
