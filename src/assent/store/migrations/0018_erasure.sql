-- Erasure, numbers with new holders, and the keeping of what backs consents.
-- Why: a person may be forgotten, a number may get another holder, and neither is a way around a
-- refusal; evidence is kept as long as the law asks and no longer (docs/erasure.md).
-- Old code on this schema: forgets nobody; a process of it that makes people would not look for
-- marks, so stop all old processes before the first erasure.

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
