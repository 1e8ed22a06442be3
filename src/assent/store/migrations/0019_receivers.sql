-- Refusals of one programme; the receivers' page: codes, sessions, complaints.
-- Why: a person may refuse one programme and keep the others, and sees and rules what is known of her.
-- Old code on this schema: takes a refusal of one programme for one of the group's purposes, which only
-- withholds more; knows nothing of the rest.

CREATE TABLE programme_refusal (
    programme_id int NOT NULL,
    person_id int NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (programme_id, person_id)
);
CREATE INDEX programme_refusal_person ON programme_refusal (person_id);

ALTER TABLE standing_end ADD COLUMN programme_id int NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION commit_facts(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz)
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
END $$;

CREATE TABLE receiver_code (
    ticket bytea PRIMARY KEY CHECK (length(ticket) = 32),
    person_id int NOT NULL,
    code bytea NOT NULL CHECK (length(code) = 32),
    at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    used_at timestamptz
);
CREATE INDEX receiver_code_at ON receiver_code (at);

CREATE TABLE receiver_session (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    person_id int NOT NULL,
    browser bytea NOT NULL,
    begun_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE complaint (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('receiver')),
    person_id int NOT NULL,
    message_id bigint,
    sender_id int NOT NULL REFERENCES sender,
    receipt_code text NOT NULL UNIQUE,
    sealed bytea,
    state text NOT NULL CHECK (state IN ('open')),
    at timestamptz NOT NULL
);
CREATE INDEX complaint_person ON complaint (person_id, id);
CREATE INDEX complaint_sender ON complaint (sender_id, id);
