-- What customers look up.

-- name: status_batch
-- A batch of an account with its folded states.
SELECT b.id, b.submission_id, b.campaign_id, b.purpose, b.n, b.price, b.not_before,
    b.expires_at, b.people, b.rows, b.segments, b.accepted_at, b.video_id, f.states
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.id = $1::bigint AND b.account_id = $2::int;

-- name: status_attempts
-- The windows of a batch.
SELECT at, slots, tries FROM attempt_window WHERE batch_id = $1::bigint ORDER BY id;

-- name: status_submission
-- An order of an account.
SELECT id, purpose, n, allowed, cost, at, rulebook FROM submission
WHERE id = $1::bigint AND account_id = $2::int;

-- name: status_submission_batches
-- An order's batches with their folded states.
SELECT b.id, b.rows, b.price, b.segments, f.states
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.submission_id = $1::bigint ORDER BY b.id;

-- name: status_decision
-- Who an order may not write to.
SELECT rows, people, reasons FROM decision WHERE submission_id = $1::bigint;

-- name: status_untold
-- Those of some messages that are not told yet.
SELECT message_id FROM untold WHERE message_id >= $1::bigint AND message_id < $2::bigint;

-- name: status_untold_campaign
-- How many of a campaign's messages are not told yet.
SELECT count(*)::int FROM untold u JOIN batch b ON b.id = u.message_id / 1024
WHERE b.campaign_id = $1::bigint;
