-- Orders.

-- name: balance_available
-- What an account may spend.
SELECT available FROM balance WHERE account_id = $1::int;

-- name: balance_reserve
-- Take the cost of an order from what may be spent; no row when it is not enough.
UPDATE balance SET available = available - $2::bigint
WHERE account_id = $1::int AND available >= $2::bigint RETURNING true;

-- name: idempotency_insert
-- Use a key; no row when it was used before.
INSERT INTO idempotency (account_id, key, body_sha256, answer, at)
VALUES ($1::int, $2::text, $3::bytea, $4::bytea, $5::timestamptz)
ON CONFLICT (account_id, key) DO NOTHING RETURNING true;

-- name: idempotency_get
-- What a key was used for, and answered.
SELECT body_sha256, answer FROM idempotency WHERE account_id = $1::int AND key = $2::text;

-- name: idempotency_delete
-- Give a key back within the transaction that took it.
DELETE FROM idempotency WHERE account_id = $1::int AND key = $2::text;

-- name: idempotency_drop
-- Forget keys older than their promise.
DELETE FROM idempotency WHERE at < $1::timestamptz;

-- name: submission_insert
-- A judged order, with the reservation of its money.
WITH reserved AS (
    INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
    SELECT $2::int, 0, 'reserve', $1::bigint, $14::smallint, $15::smallint, $16::int,
        $8::bigint, $13::timestamptz
    WHERE $8::bigint > 0
)
INSERT INTO submission (id, account_id, campaign_id, sender_id, purpose, n, allowed, cost,
    reasons, rulebook, numbers, position, at)
VALUES ($1::bigint, $2::int, $3::bigint, $4::int, $5::smallint, $6::int, $7::int, $8::bigint,
    $9::text::jsonb, $10::text, $11::text, $12::bigint, $13::timestamptz);

-- name: decision_insert
-- Who may not be written to, and why.
INSERT INTO decision (submission_id, rows, people, reasons, findings)
VALUES ($1::bigint, $2::bytea, $3::bytea, $4::bytea, $5::bytea);

-- name: batch_insert
-- Messages that may go.
INSERT INTO batch (id, submission_id, account_id, campaign_id, sender_id, group_id,
    programme_id, port_id, template_id, purpose, carrier, n, position, price, not_before,
    expires_at, content, people, rows, zones, segments, variables, accepted_at)
VALUES ($1::bigint, $2::bigint, $3::int, $4::bigint, $5::int, $6::int, $7::int, $8::int,
    $9::int, $10::smallint, $11::text, $12::smallint, $13::bigint, $14::bigint,
    $15::timestamptz, $16::timestamptz, $17::text, $18::bytea, $19::bytea, $20::bytea,
    $21::bytea, $22::bytea, $23::timestamptz);

-- name: queue_insert
-- Put a batch in the queue, leased at once by an epoch or free; held if its campaign is paused.
INSERT INTO queue (batch_id, lane, carrier, account_id, campaign_id, not_before, expires_at,
    epoch, held)
VALUES ($1::bigint, $2::smallint, $3::text, $4::int, $5::bigint, $6::timestamptz,
    $7::timestamptz, $8::int,
    coalesce((SELECT state = 'paused' FROM campaign WHERE id = $5::bigint), false));
