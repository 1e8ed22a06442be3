-- Audiences and campaigns.

-- name: audience_insert
-- Begin an audience.
INSERT INTO audience (id, account_id, name, statement, relation, state, created_at)
VALUES ($1::bigint, $2::int, $3::text, $4::text, $5::text, 'loading', $6::timestamptz);

-- name: audience_chunk_insert
-- Some of an audience's rows.
INSERT INTO audience_chunk (audience_id, number, rows, people, variables, wrong_rows, faults)
VALUES ($1::bigint, $2::int, $3::bytea, $4::bytea, $5::bytea, $6::bytea, $7::bytea);

-- name: audience_count
-- Count rows as they come.
UPDATE audience SET rows = rows + $2::int, wrong = wrong + $3::int
WHERE id = $1::bigint AND state = 'loading';

-- name: audience_finish
-- An audience is whole, or failed.
UPDATE audience SET state = $2::text, columns = $3::text[] WHERE id = $1::bigint;

-- name: audience_drop_chunks
-- A failed audience keeps nothing of its rows.
DELETE FROM audience_chunk WHERE audience_id = $1::bigint;

-- name: audience_get
-- An audience of an account.
SELECT id, name, statement, relation, state, rows, wrong, columns, created_at, built FROM audience
WHERE id = $1::bigint AND account_id = $2::int;

-- name: audience_chunk_get
-- A chunk of an audience.
SELECT number, rows, people, variables FROM audience_chunk
WHERE audience_id = $1::bigint AND number = $2::int;

-- name: audience_chunks
-- How many chunks an audience has.
SELECT count(*)::int FROM audience_chunk WHERE audience_id = $1::bigint;

-- name: audience_faults
-- Wrong rows of an audience, chunk by chunk.
SELECT number, wrong_rows, faults FROM audience_chunk
WHERE audience_id = $1::bigint AND number >= $2::int ORDER BY number LIMIT $3::int;

-- name: audience_wrong
-- Wrong rows' faults, to count them.
SELECT faults FROM audience_chunk WHERE audience_id = $1::bigint AND length(faults) > 0;

-- name: campaign_insert
-- A campaign begins; it waits where its text ($10, NULL: nothing is said of it) waits still.
INSERT INTO campaign (id, account_id, audience_id, sender_id, name, request, state, not_before,
    created_at, template_id, text_review_id)
VALUES ($1::bigint, $2::int, $3::bigint, $4::int, $5::text, $6::bytea, 'running',
    $7::timestamptz, $8::timestamptz, $9::int, (SELECT id FROM text_review
        WHERE id = $10::bigint AND state IN ('held', 'changed') FOR SHARE));

-- name: campaign_get
-- A campaign of an account.
SELECT c.id, c.name, c.state, c.chunk, c.not_before, c.created_at, c.audience_id, a.rows,
    a.wrong, c.instruction_id, c.text_review_id,
    (SELECT count(*)::int FROM audience_chunk k WHERE k.audience_id = a.id) AS chunks
FROM campaign c JOIN audience a ON a.id = c.audience_id
WHERE c.id = $1::bigint AND c.account_id = $2::int;

-- name: campaign_due
-- A running campaign with chunks to judge.
SELECT c.id, c.account_id, c.audience_id, a.relation, c.request, c.chunk, c.template_id
FROM campaign c JOIN audience a ON a.id = c.audience_id
WHERE c.state = 'running' AND c.text_review_id IS NULL AND c.not_before <= $1::timestamptz
ORDER BY c.id LIMIT 16;

-- name: campaign_hold
-- Hold a campaign's row while a chunk of it is stored; no row when it is no longer running or
-- the chunk was done by another process.
SELECT true FROM campaign WHERE id = $1::bigint AND state = 'running' AND chunk = $2::int
FOR UPDATE;

-- name: campaign_advance
-- A chunk is judged and stored.
UPDATE campaign SET chunk = chunk + 1 WHERE id = $1::bigint;

-- name: campaign_done
-- Every chunk is judged.
UPDATE campaign SET state = 'done' WHERE id = $1::bigint AND state = 'running';

-- name: campaign_set_state
-- Pause, resume or stop.
UPDATE campaign SET state = $3::text
WHERE id = $1::bigint AND account_id = $2::int AND state <> 'stopped'
RETURNING state;

-- name: campaign_hold_queue
-- Hold or free what a campaign has in the queue.
UPDATE queue SET held = $2::boolean WHERE campaign_id = $1::bigint;

-- name: campaign_submissions
-- What judging came to.
SELECT n, allowed, cost, reasons FROM submission WHERE campaign_id = $1::bigint;

-- name: campaign_states
-- Folded states of a campaign's messages.
SELECT b.id, b.n, b.segments, f.states FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.campaign_id = $1::bigint;

-- name: campaign_held
-- Batches of a campaign that wait for a broken link, and where their messages stand.
SELECT b.id, q.broken, b.n, b.segments, f.states
FROM queue q JOIN batch b ON b.id = q.batch_id LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE q.campaign_id = $1::bigint AND q.broken <> '{}';

-- name: campaigns_halted
-- Campaigns that may not send now.
SELECT id, state FROM campaign WHERE state IN ('paused', 'stopped')
    AND EXISTS (SELECT 1 FROM queue q WHERE q.campaign_id = campaign.id);

-- name: campaign_of_queue
-- A stopped campaign's batches that nobody has leased.
UPDATE queue SET epoch = alive.id, held = false
FROM (SELECT id FROM epoch WHERE id = $2::int AND ended_at IS NULL FOR SHARE) AS alive
WHERE campaign_id = $1::bigint AND epoch IS NULL RETURNING batch_id, lane, begun;

-- name: audiences_abandoned
-- Uploads that were being read when their process died: failed, without their rows.
WITH abandoned AS (
    UPDATE audience SET state = 'failed' WHERE state = 'loading' RETURNING id
)
DELETE FROM audience_chunk c USING abandoned a WHERE c.audience_id = a.id;
