-- Leasing, attempts and their answers.

-- name: queue_lease
-- Lease batches that are due for a carrier, by lane, oldest first. The epoch's row is held, so
-- that a lease is either seen by who ends the epoch or not made.
UPDATE queue SET epoch = alive.id
FROM (SELECT id FROM epoch WHERE id = $1::int AND ended_at IS NULL FOR SHARE) AS alive
WHERE batch_id IN (
    SELECT batch_id FROM queue
    WHERE epoch IS NULL AND NOT held AND broken = '{}' AND carrier = $2::text
        AND lane = ANY($3::smallint[])
        AND not_before <= $4::timestamptz
    ORDER BY lane, batch_id LIMIT $5::int FOR UPDATE SKIP LOCKED)
RETURNING batch_id, lane, begun;

-- name: queue_chains
-- What stands in the queue of some lanes, by the chain that it leaves over: batches, those of them
-- that nobody has leased, and what they are marked with.
SELECT b.account_id, b.sender_id, b.group_id, b.port_id, b.template_id, b.purpose, b.carrier,
    b.video_id IS NOT NULL AS video, b.category, q.broken, array_agg(q.batch_id) AS batches,
    array_agg(CASE WHEN q.epoch IS NULL THEN q.batch_id END) AS waiting
FROM queue q JOIN batch b ON b.id = q.batch_id
WHERE q.lane = ANY($1::smallint[])
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;

-- name: queue_mark
-- Note which links batches wait for, none if they do not.
UPDATE queue SET broken = $2::text[] WHERE batch_id = ANY($1::bigint[]);

-- name: queue_take
-- Lease batches that nobody has leased, however they stand.
UPDATE queue SET epoch = alive.id
FROM (SELECT id FROM epoch WHERE id = $1::int AND ended_at IS NULL FOR SHARE) AS alive
WHERE batch_id = ANY($2::bigint[]) AND epoch IS NULL RETURNING batch_id, lane, begun;

-- name: queue_of_epoch
-- What an epoch has leased, except some batches.
SELECT batch_id, lane, true AS begun FROM queue
WHERE epoch = $1::int AND NOT batch_id = ANY($2::bigint[]);

-- name: queue_delete
-- Batches with nothing left to attempt.
DELETE FROM queue WHERE batch_id = ANY($1::bigint[]);

-- name: batches
-- Batches with what dispatch needs of their port and campaign.
SELECT b.*, p.number AS port_number, p.service_code, c.state AS campaign_state
FROM batch b JOIN port p ON p.id = b.port_id LEFT JOIN campaign c ON c.id = b.campaign_id
WHERE b.id = ANY($1::bigint[]) ORDER BY b.id;

-- name: batch_attempts
-- What a batch's windows have come to, for taking it up after a crash.
SELECT w.id, w.slots, w.tries, r.positions, r.segments, r.statuses
FROM attempt_window w LEFT JOIN window_result r ON r.batch_id = w.batch_id AND r.window_id = w.id
WHERE w.batch_id = $1::bigint ORDER BY w.id, r.id;

-- name: batch_slot_ends
-- Messages of a batch that ended without an attempt.
SELECT slots, states FROM slot_end WHERE batch_id = $1::bigint;

-- name: ends_since
-- Entries that can end or pause standing, after a position: all groups.
SELECT position, group_id, person_id, purposes, programme_id FROM standing_end
WHERE position > $1::bigint ORDER BY position;

-- name: ends_head
-- The last position that ended or paused anything.
SELECT coalesce(max(position), 0) FROM standing_end;

-- name: ends_of_group_between
-- The same for one group (and everyone), up to a position that is known already.
SELECT position, group_id, person_id, purposes, programme_id FROM standing_end
WHERE group_id IN ($1::int, 0) AND position > $2::bigint AND position <= $3::bigint;

-- name: claims_drop
-- Forget claims older than every cap looks back.
DELETE FROM cap_claim WHERE at < $1::timestamptz;

-- name: slot_ends_insert
-- Messages that end without an attempt.
INSERT INTO slot_end (id, batch_id, at, slots, states)
SELECT i, b, $1::timestamptz, s, st
FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[]) AS new (i, b, s, st);

-- name: results_insert
-- Answers to segments.
INSERT INTO window_result (id, window_id, batch_id, at, carrier, link, positions, segments,
    statuses, codes, carrier_ids, lo, hi)
SELECT i, w, b, $1::timestamptz, c, l, p, s, st, co, ci, lo, hi
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bytea[],
    $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bigint[], $13::bigint[])
    AS new (i, w, b, c, l, p, s, st, co, ci, lo, hi);

-- name: results_store
-- Answers to segments under their epoch's fence: rows, event, money, and what they close. False,
-- with nothing stored, when the epoch has ended.
SELECT store_results($1::int, $2::int, $3::timestamptz, $4::bigint[], $5::bigint[], $6::bigint[],
    $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[],
    $14::bigint[], $15::bigint[], $16::bytea, $17::int[], $18::bigint[], $19::text[],
    $20::bigint[], $21::smallint[], $22::smallint[], $23::int[], $24::bigint[], $25::bigint[],
    $26::bigint[]);

-- name: windows_close
-- Windows whose every segment is answered.
DELETE FROM open_window WHERE id = ANY($1::bigint[]);

-- name: unsure_insert
-- Segments that may or may not have left.
INSERT INTO unsure_segment (batch_id, slot, segment, window_id, carrier, person_id, at, settled)
SELECT b, s, g, w, c, p, $1::timestamptz, t
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::bigint[], $6::text[], $7::int[],
    $8::text[]) AS new (b, s, g, w, c, p, t);

-- name: postings_insert
-- Move money between books (see schema: posting).
INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
SELECT a, b, k, s, d, c, g, m, $1::timestamptz
FROM unnest($2::int[], $3::bigint[], $4::text[], $5::bigint[], $6::smallint[], $7::smallint[],
    $8::int[], $9::bigint[]) AS new (a, b, k, s, d, c, g, m);

-- name: open_windows_of_epoch
-- Windows that a process left open.
SELECT o.id, o.batch_id, w.slots, w.tries, b.people, b.segments, b.purpose, b.carrier, b.price,
    b.account_id, b.expires_at
FROM open_window o
JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
JOIN batch b ON b.id = o.batch_id
WHERE o.epoch = $1::int ORDER BY o.id;

-- name: was_stored
-- Whether a window, result or slot end (batch, id) or a submission (0, id) is there: for finding
-- out what became of a transaction whose COMMIT was not answered.
SELECT EXISTS (SELECT 1 FROM attempt_window WHERE batch_id = $1::bigint AND id = $2::bigint)
    OR EXISTS (SELECT 1 FROM window_result WHERE batch_id = $1::bigint AND id = $2::bigint)
    OR EXISTS (SELECT 1 FROM slot_end WHERE batch_id = $1::bigint AND id = $2::bigint)
    OR EXISTS (SELECT 1 FROM submission WHERE $1::bigint = 0 AND id = $2::bigint);

-- name: results_of_window
-- What is known of a window's segments.
SELECT positions, segments, statuses FROM window_result
WHERE batch_id = $1::bigint AND window_id = $2::bigint;

-- name: queue_free_epoch
-- Give back what a process had leased.
UPDATE queue SET epoch = NULL, begun = true WHERE epoch = $1::int RETURNING batch_id;

-- name: claims_after
-- Which keys were claimed after a sequence number, for keeping the memory of them current.
SELECT seq, ledger, key FROM cap_claim
WHERE seq > $1::bigint AND at >= $2::timestamptz ORDER BY seq LIMIT $3::int;

-- name: queue_expired
-- Lease batches whose validity ended while they waited.
UPDATE queue SET epoch = alive.id
FROM (SELECT id FROM epoch WHERE id = $1::int AND ended_at IS NULL FOR SHARE) AS alive
WHERE batch_id IN (
    SELECT batch_id FROM queue
    WHERE epoch IS NULL AND carrier = ANY($2::text[]) AND lane = ANY($3::smallint[])
        AND expires_at <= $4::timestamptz
    ORDER BY batch_id LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING batch_id, lane, begun;

-- name: claims_since
-- Claims of some ledgers and keys after what this process has seen of each.
SELECT c.seq AS n, c.ledger, c.key AS a, c.at, c.people
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS k (ledger, key, seen)
JOIN cap_claim c ON c.ledger = k.ledger AND c.key = k.key AND c.seq > k.seen
WHERE c.at >= $4::timestamptz
ORDER BY c.seq;

-- name: commit_facts
-- Take the locks of a commit of attempts, in the order given; then tell what it must know: one
-- row of kind 0 if the epoch may commit, kind 1 what ended standing (`ledger`: of one programme),
-- kind 2 what was claimed, each since it was last read; kind 3 if a restriction was imposed since.
SELECT * FROM commit_facts($1::int[], $2::int[], $3::boolean[], $4::int, $5::bigint, $6::text[],
    $7::int[], $8::bigint[], $9::timestamptz, $10::bigint);

-- name: plan_insert
-- Commit attempts: windows, the note that they are open, and the claims made for them.
WITH new AS (
    SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::bytea[], $6::bytea[])
        AS new (id, batch_id, group_id, slots, tries)
), opened AS (
    INSERT INTO open_window (id, batch_id, group_id, epoch)
    SELECT id, batch_id, group_id, $1::int FROM new
), attempted AS (
    INSERT INTO attempt_window (id, batch_id, epoch, at, slots, tries)
    SELECT id, batch_id, $1::int, $7::timestamptz, slots, tries FROM new
)
INSERT INTO cap_claim (ledger, key, at, people)
SELECT l, k, $7::timestamptz, p FROM unnest($8::text[], $9::int[], $10::bytea[]) AS made (l, k, p)
RETURNING seq, ledger, key;
