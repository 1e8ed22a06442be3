-- Counts an hour (flow/rollups.py). Lock (4712, 33): one writer of counts at a time; none that a
-- look takes gives its transaction a number, so that readers of events need not wait for it.

-- name: rollup_lock
-- Nobody else changes counts until this transaction ends.
SELECT pg_advisory_xact_lock(4712, 33);

-- name: rollup_batches
-- Batches with what is counted of them; `counted`: they are at all.
SELECT b.id, b.port_id, b.sender_id, b.account_id, b.carrier, b.category, b.purpose, b.n,
    b.provinces, b.accepted_at, r.ends, r.codes, r.batch_id IS NOT NULL AS counted
FROM batch b LEFT JOIN rollup_batch r ON r.batch_id = b.id
WHERE b.id = ANY($1::bigint[]) ORDER BY b.id;

-- name: rollup_batches_put
-- What is counted of batches.
INSERT INTO rollup_batch (batch_id, ends, codes)
SELECT b, e, c FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS new (b, e, c)
ON CONFLICT (batch_id) DO UPDATE SET ends = excluded.ends, codes = excluded.codes;

-- name: rollup_results
-- Which messages a carrier refused in its answer (status 2), of some results; and with what code.
SELECT r.batch_id, r.positions, r.statuses, r.codes, w.slots
FROM unnest($1::bigint[], $2::bigint[]) AS k (batch_id, id)
JOIN window_result r ON r.batch_id = k.batch_id AND r.id = k.id
JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id
WHERE position('\x02'::bytea IN r.statuses) > 0;

-- name: rollup_receipts
-- Reports that tell why a message failed (state 4), of some rows.
SELECT messages, states, codes FROM receipt_log
WHERE id = ANY($1::bigint[]) AND codes IS NOT NULL;

-- name: rollup_add
-- Add to counts.
INSERT INTO rollup_hour (hour, port_id, sender_id, account_id, carrier, province, category, purpose,
    submitted, delivered, failed, refused, complained)
SELECT * FROM unnest($1::timestamptz[], $2::int[], $3::int[], $4::int[], $5::text[],
    $6::smallint[], $7::text[], $8::smallint[], $9::bigint[], $10::bigint[], $11::bigint[],
    $12::bigint[], $13::bigint[])
ON CONFLICT (hour, port_id, sender_id, account_id, carrier, province, category, purpose)
DO UPDATE SET submitted = rollup_hour.submitted + excluded.submitted,
    delivered = rollup_hour.delivered + excluded.delivered,
    failed = rollup_hour.failed + excluded.failed,
    refused = rollup_hour.refused + excluded.refused,
    complained = rollup_hour.complained + excluded.complained;

-- name: rollup_add_failures
-- Add to counts of failures by code.
INSERT INTO rollup_failure (hour, port_id, carrier, code, n)
SELECT * FROM unnest($1::timestamptz[], $2::int[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (hour, port_id, carrier, code) DO UPDATE SET n = rollup_failure.n + excluded.n;

-- name: rollup_complaints
-- Where complaints are to be counted: with the message complained of where it is known. Those about
-- nobody of ours are not. NULL: all complaints.
SELECT c.id, date_trunc('hour', coalesce(b.accepted_at, c.complained_at), 'UTC') AS hour,
    coalesce(b.port_id, c.port_id, 0) AS port_id, coalesce(b.sender_id, c.sender_id) AS sender_id,
    coalesce(b.account_id, c.account_id, 0) AS account_id, coalesce(b.carrier, c.carrier) AS carrier,
    CASE WHEN b.id IS NULL THEN c.province
        WHEN length(b.provinces) > (c.message_id & 1023)::int
            THEN get_byte(b.provinces, (c.message_id & 1023)::int)
        ELSE 0 END AS province,
    coalesce(b.category, c.category) AS category, coalesce(b.purpose, c.purpose, 0) AS purpose
FROM complaint c LEFT JOIN batch b ON b.id = c.message_id >> 10
WHERE ($1::bigint[] IS NULL OR c.id = ANY($1::bigint[]))
    AND c.sender_id IS NOT NULL AND c.state <> 'not_ours'
ORDER BY c.id;

-- name: rollup_complaints_counted
-- Where complaints are counted. NULL: all complaints.
SELECT complaint_id AS id, hour, port_id, sender_id, account_id, carrier, province, category, purpose
FROM rollup_complaint WHERE $1::bigint[] IS NULL OR complaint_id = ANY($1::bigint[]);

-- name: rollup_complaints_forget
-- Some are not counted there any more.
DELETE FROM rollup_complaint WHERE complaint_id = ANY($1::bigint[]);

-- name: rollup_complaints_put
-- Complaints are counted there.
INSERT INTO rollup_complaint (complaint_id, hour, port_id, sender_id, account_id, carrier, province,
    category, purpose)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::int[], $5::int[], $6::text[],
    $7::smallint[], $8::text[], $9::smallint[]);

-- name: rollup_entries
-- Withdrawals (kind 3) of the ledger between two positions.
SELECT position, at, group_id, sender_id, person_id, body FROM entry
WHERE position > $1::bigint AND position <= $2::bigint AND kind = 3 ORDER BY position;

-- name: rollup_moment
-- How far the ledger is, and the first transaction that runs or is still to come, and the first
-- that still runs.
SELECT (SELECT coalesce(max(position), 0) FROM entry) AS head,
    pg_snapshot_xmax(pg_current_snapshot())::text::numeric::bigint AS upto,
    pg_snapshot_xmin(pg_current_snapshot())::text::numeric::bigint AS running;

-- name: rollup_written
-- Batches of what was a group then (0: of any) that hold a person, newest first, of ids between two.
-- $4: the octets of her id, which may stand across two numbers, so whoever asks looks again.
SELECT b.id, b.people FROM batch b
WHERE b.id >= $2::bigint AND b.id < $3::bigint AND ($1::int = 0 OR b.group_id = $1::int)
    AND position($4::bytea IN b.people) > 0
ORDER BY b.id DESC;

-- name: rollup_batch_groups
-- Whose some batches are, and whom they hold, newest first. Only those of a group; 0: of any.
SELECT id, people FROM batch
WHERE id = ANY($1::bigint[]) AND ($2::int = 0 OR group_id = $2::int) ORDER BY id DESC;

-- name: rollup_attempts
-- Windows of some batches that were committed up to a moment.
SELECT batch_id, at, slots FROM attempt_window
WHERE batch_id = ANY($1::bigint[]) AND at <= $2::timestamptz;

-- name: rollup_message
-- Where a message is counted.
SELECT date_trunc('hour', b.accepted_at, 'UTC') AS hour, b.port_id, b.sender_id, b.account_id,
    b.carrier, b.category, b.purpose, CASE WHEN length(b.provinces) > $2::int
        THEN get_byte(b.provinces, $2::int) ELSE 0 END AS province
FROM batch b WHERE b.id = $1::bigint;

-- name: rollup_reply_port
-- The port that a refusal without a message was written to: of the last reply of that person up to
-- then which concerns the group. A number may have several; the one that was filed last counts.
SELECT p.id AS port_id, p.sender_id, p.purpose, r.carrier
FROM (SELECT destination, carrier, at FROM reply
    WHERE person_id = $1::int AND at <= $2::timestamptz AND $3::int = ANY(groups)
    ORDER BY id DESC LIMIT 1) r
LEFT JOIN LATERAL (SELECT p.id, p.sender_id, p.purpose FROM port p
    WHERE p.number = r.destination AND p.carrier = r.carrier AND p.created_at <= r.at
    ORDER BY p.id DESC LIMIT 1) p ON true;

-- name: rollup_refusals_put
-- Refusals are counted there; those that are already are missing in the answer.
INSERT INTO rollup_refusal (position, at, message_id, hour, port_id, sender_id, account_id, carrier,
    province, category, purpose)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::int[],
    $6::int[], $7::int[], $8::text[], $9::smallint[], $10::text[], $11::smallint[])
ON CONFLICT (position) DO NOTHING RETURNING position;

-- name: rollup_sums
-- Counts of a period added up, by the dimensions in $3 and by hour, day or month ($4; '': the whole
-- period) of the zone $5, of what the filters let through (NULL: everything). Days and months are
-- told by their beginning. $14: where refusals are told only up to a moment (NULL: all of them).
-- $13: how many rows at most.
WITH counted AS (
    SELECT hour, port_id, sender_id, account_id, carrier, province, category, purpose, submitted,
        delivered, failed, CASE WHEN $14::timestamptz IS NULL THEN refused ELSE 0 END AS refused,
        complained
    FROM rollup_hour WHERE hour >= $1::timestamptz AND hour < $2::timestamptz
    UNION ALL
    SELECT hour, port_id, sender_id, account_id, carrier, province, category, purpose, 0,
        0, 0, 1, 0
    FROM rollup_refusal
    WHERE hour >= $1::timestamptz AND hour < $2::timestamptz AND at < $14::timestamptz
)
SELECT CASE $4::text WHEN '' THEN NULL ELSE date_trunc($4::text, hour, $5::text) END AS at,
    CASE WHEN 'port' = ANY($3::text[]) THEN port_id END AS port,
    CASE WHEN 'sender' = ANY($3::text[]) THEN sender_id END AS sender,
    CASE WHEN 'account' = ANY($3::text[]) THEN account_id END AS account,
    CASE WHEN 'carrier' = ANY($3::text[]) THEN carrier END AS carrier,
    CASE WHEN 'province' = ANY($3::text[]) THEN province END AS province,
    CASE WHEN 'category' = ANY($3::text[]) THEN category END AS category,
    CASE WHEN 'purpose' = ANY($3::text[]) THEN purpose END AS purpose,
    sum(submitted)::bigint AS submitted, sum(delivered)::bigint AS delivered,
    sum(failed)::bigint AS failed, sum(refused)::bigint AS refused,
    sum(complained)::bigint AS complained
FROM counted
WHERE ($6::int[] IS NULL OR port_id = ANY($6::int[]))
    AND ($7::int[] IS NULL OR sender_id = ANY($7::int[]))
    AND ($8::int[] IS NULL OR account_id = ANY($8::int[]))
    AND ($9::text[] IS NULL OR carrier = ANY($9::text[]))
    AND ($10::smallint[] IS NULL OR province = ANY($10::smallint[]))
    AND ($11::text[] IS NULL OR category = ANY($11::text[]))
    AND ($12::smallint[] IS NULL OR purpose = ANY($12::smallint[]))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8 LIMIT $13::int;

-- name: rollup_failure_sums
-- Failures of a period by code, and by port or carrier where asked ($3).
SELECT CASE WHEN 'port' = ANY($3::text[]) THEN port_id END AS port,
    CASE WHEN 'carrier' = ANY($3::text[]) THEN carrier END AS carrier,
    code, sum(n)::bigint AS n
FROM rollup_failure
WHERE hour >= $1::timestamptz AND hour < $2::timestamptz
    AND ($4::int[] IS NULL OR port_id = ANY($4::int[]))
    AND ($5::text[] IS NULL OR carrier = ANY($5::text[]))
GROUP BY 1, 2, 3 HAVING sum(n) <> 0
ORDER BY n DESC, 1, 2, 3 LIMIT $6::int;

-- name: rollup_raw
-- Batches that were accepted between two moments, with the folded states of their segments; $1: up
-- to which id was read, $2: ids up to here.
SELECT b.id, b.port_id, b.sender_id, b.account_id, b.carrier, b.category, b.purpose, b.n,
    b.provinces, b.accepted_at, b.segments, f.states, NULL::bytea AS ends, NULL::bytea AS codes,
    false AS counted
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.id > $1::bigint AND b.id < $2::bigint
    AND b.accepted_at >= $3::timestamptz AND b.accepted_at < $4::timestamptz
ORDER BY b.id LIMIT $5::int;

-- name: rollup_raw_results
-- The same of all answers to some batches.
SELECT r.batch_id, r.positions, r.statuses, r.codes, w.slots
FROM window_result r
JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id
WHERE r.batch_id = ANY($1::bigint[]) AND position('\x02'::bytea IN r.statuses) > 0;

-- name: rollup_raw_receipts
-- The same of all reports that were stored from an id on; in pages.
SELECT id, messages, states, codes FROM receipt_log
WHERE id > $1::bigint AND codes IS NOT NULL ORDER BY id LIMIT $2::int;

-- name: rollup_span
-- From when there are batches, and up to when there are any or something is counted.
SELECT min(accepted_at) AS first,
    greatest(max(accepted_at), (SELECT max(hour) FROM rollup_hour)) AS last FROM batch;

-- name: rollup_entries_from
-- The first position of the ledger from a moment on.
SELECT coalesce(min(position), 0) FROM entry WHERE at >= $1::timestamptz;

-- name: rollup_counted_hours
-- What is counted of some hours.
SELECT * FROM rollup_hour WHERE hour >= $1::timestamptz AND hour < $2::timestamptz;

-- name: rollup_counted_failures
-- Failures that are counted of some hours.
SELECT * FROM rollup_failure WHERE hour >= $1::timestamptz AND hour < $2::timestamptz;

-- name: rollup_forget_hours
-- Forget what is counted of some hours.
DELETE FROM rollup_hour WHERE hour >= $1::timestamptz AND hour < $2::timestamptz;

-- name: rollup_forget_failures
-- Forget failures that are counted of some hours.
DELETE FROM rollup_failure WHERE hour >= $1::timestamptz AND hour < $2::timestamptz;

-- name: rollup_forget_complaints
-- Forget which complaints are counted in some hours.
DELETE FROM rollup_complaint WHERE hour >= $1::timestamptz AND hour < $2::timestamptz;

-- name: rollup_forget_refusals
-- Forget which refusals are counted in some hours, or ($3) by their positions.
DELETE FROM rollup_refusal
WHERE hour >= $1::timestamptz AND hour < $2::timestamptz OR position = ANY($3::bigint[]);

-- name: history_batches
-- Batches that were accepted between two moments, for a file; $1: up to which id was read, $2: ids
-- up to here.
SELECT b.id, b.port_id, b.sender_id, b.account_id, b.carrier, b.category, b.purpose, b.n, b.people,
    b.provinces, b.accepted_at, b.segments, b.template_id, b.campaign_id, f.states,
    NULL::bytea AS ends, NULL::bytea AS codes
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.id > $1::bigint AND b.id < $2::bigint
    AND b.accepted_at >= $3::timestamptz AND b.accepted_at < $4::timestamptz
ORDER BY b.id LIMIT $5::int;

-- name: history_answers
-- Answers to some batches that refused a message.
SELECT r.batch_id, r.positions, r.statuses, r.codes, w.slots, r.at
FROM window_result r
JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id
WHERE r.batch_id = ANY($1::bigint[]) AND position('\x02'::bytea IN r.statuses) > 0;

-- name: history_receipts
-- Reports between two ids, in pages.
SELECT id, at, messages, states, codes FROM receipt_log
WHERE id > $1::bigint AND id < $2::bigint ORDER BY id LIMIT $3::int;

-- name: history_refusals
-- Refusals that are counted in some hours, with who refused.
SELECT r.*, e.person_id FROM rollup_refusal r JOIN entry e ON e.position = r.position
WHERE r.hour >= $1::timestamptz AND r.hour < $2::timestamptz ORDER BY r.position;

-- name: history_complaints
-- Complaints that are counted in some hours, with who complained.
SELECT r.*, coalesce(c.person_id, 0) AS person_id, coalesce(c.message_id, 0) AS message_id,
    c.complained_at AS at
FROM rollup_complaint r JOIN complaint c ON c.id = r.complaint_id
WHERE r.hour >= $1::timestamptz AND r.hour < $2::timestamptz ORDER BY r.complaint_id;

-- name: rollup_forget_batches
-- Forget what of batches up to an id is counted.
DELETE FROM rollup_batch WHERE batch_id < $1::bigint;
