-- Ids, people and processes.

-- name: batch_counters
-- Draw counters for batch ids (flow/ids.py).
SELECT nextval('batch_counter')::int AS counter FROM generate_series(1, $1::int);

-- name: window_numbers
-- Draw ids for attempt windows, results and postings' sources.
SELECT nextval('window_number') AS number FROM generate_series(1, $1::int);

-- name: people_by_msisdn
-- Known people among some numbers.
SELECT id, msisdn FROM person WHERE msisdn = ANY($1::bigint[]);

-- name: people_by_id
-- Numbers of people who have one.
SELECT id, msisdn FROM person WHERE id = ANY($1::int[]) AND msisdn IS NOT NULL;

-- name: people_page
-- The next people who have a number, packed big-endian: person (4 octets), number (8 octets).
SELECT max(id) AS last, string_agg(int4send(id) || int8send(msisdn), ''::bytea) AS packed
FROM (SELECT id, msisdn FROM person WHERE id > $1::int AND msisdn IS NOT NULL
    ORDER BY id LIMIT $2::int) AS page;

-- name: people_insert
-- Make people for numbers; those that another process made meanwhile stay as they are.
INSERT INTO person (msisdn, secret, created_at)
SELECT m, s, $3::timestamptz FROM unnest($1::bigint[], $2::bytea[]) AS new (m, s)
ON CONFLICT (msisdn) DO NOTHING RETURNING id, msisdn;

-- name: ensure_partitions
-- Make the partitions for a time and some months after it.
SELECT ensure_partitions($1::timestamptz, $2::int);

-- name: notify
-- Wake listeners of a channel, at commit.
SELECT pg_notify($1::text, $2::text);

-- name: lock_exclusive
-- Lock keys of a class for ourselves; keys ascending.
SELECT pg_advisory_xact_lock($1::int, key) FROM unnest($2::int[]) AS key;

-- name: epoch_enter
-- Hold an epoch's fence, shared; then tell whether it may still commit.
SELECT enter_epoch($1::int, $2::int);

-- name: epochs_not_ended
-- Epochs that nobody has ended.
SELECT id FROM epoch WHERE ended_at IS NULL ORDER BY id;

-- name: epoch_end
-- Mark an epoch ended, so that nothing of it commits any more.
UPDATE epoch SET ended_at = $2::timestamptz WHERE id = $1::int AND ended_at IS NULL;

-- name: epoch_lock_free
-- Take the liveness lock of an epoch for this transaction; false while its process lives.
SELECT pg_try_advisory_xact_lock(4711, $1::int);

-- name: event_insert
-- Append an event to the outbox.
INSERT INTO event (at, kind, account_id, subject, payload)
VALUES ($1::timestamptz, $2::text, $3::int, $4::bigint, $5::bytea);

-- name: events_after
-- Events of some kinds after a cursor, except those that a still-running transaction may
-- precede. The order is that of transactions; the cursor is the seq of the last event read.
SELECT seq, at, kind, account_id, subject, payload FROM event
WHERE (xid, seq) > (
        coalesce((SELECT last.xid FROM event last WHERE last.seq = $1::bigint), '0'::xid8),
        $1::bigint
    ) AND kind = ANY($2::text[]) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, seq LIMIT $3::int;

-- name: account_events_after
-- Events of one account and kind after a cursor, in the same order.
SELECT seq, at, kind, subject, payload FROM event
WHERE account_id = $1::int AND (xid, seq) > (
        coalesce((SELECT last.xid FROM event last WHERE last.seq = $2::bigint), '0'::xid8),
        $2::bigint
    ) AND kind = ANY($3::text[]) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, seq LIMIT $4::int;

-- name: cursor_get
-- Where a reader of the outbox stands.
SELECT seq FROM cursor WHERE name = $1::text;

-- name: cursor_hold
-- The same, held until the transaction ends: one reader at a time.
INSERT INTO cursor (name, seq) VALUES ($1::text, 0)
ON CONFLICT (name) DO UPDATE SET seq = cursor.seq RETURNING seq;

-- name: cursor_set
-- Move a reader of the outbox.
INSERT INTO cursor (name, seq) VALUES ($1::text, $2::bigint)
ON CONFLICT (name) DO UPDATE SET seq = excluded.seq;

-- name: health_put
-- Say how this process is.
INSERT INTO process_health (epoch, role, at, body)
VALUES ($1::int, $2::text, $3::timestamptz, $4::text::jsonb)
ON CONFLICT (epoch) DO UPDATE SET at = excluded.at, body = excluded.body;

-- name: health_all
-- How the processes that live are.
SELECT h.epoch, h.role, h.at, h.body FROM process_health h JOIN epoch e ON e.id = h.epoch
WHERE e.ended_at IS NULL ORDER BY h.epoch;
