-- Orders.

-- name: balance_today
-- What an account may spend, its credit among it; what it ordered on the day that was counted last,
-- and what it may on a day.
SELECT available + credit_limit AS available, day, day_messages, day_spent, daily_limit FROM balance
WHERE account_id = $1::int;

-- name: idempotency_insert
-- Use a key; no row when it was used before.
INSERT INTO idempotency (account_id, key, body_sha256, answer, at)
VALUES ($1::int, $2::text, $3::bytea, $4::bytea, $5::timestamptz)
ON CONFLICT (account_id, key) DO NOTHING RETURNING true;

-- name: idempotency_get
-- What a key was used for, and answered.
SELECT body_sha256, answer FROM idempotency WHERE account_id = $1::int AND key = $2::text;

-- name: idempotency_insert_all
-- Use keys; those that were used before are missing in the answer.
INSERT INTO idempotency (account_id, key, body_sha256, answer, at)
SELECT $1::int, k, b, a, $5::timestamptz FROM unnest($2::text[], $3::bytea[], $4::bytea[])
    AS new (k, b, a) ORDER BY k
ON CONFLICT (account_id, key) DO NOTHING RETURNING key;

-- name: idempotency_delete_all
-- Give keys back within the transaction that took them.
DELETE FROM idempotency WHERE account_id = $1::int AND key = ANY($2::text[]);

-- name: idempotency_drop
-- Forget keys older than their promise.
DELETE FROM idempotency WHERE at < $1::timestamptz;

-- name: order_admit
-- Use an order's key, if it has one, and take its cost: whether the key was new, and whether
-- the cost was there and the limits of the day ($7; $8 messages, $9 at most) allow it. Without
-- the key nothing is taken. An order that was judged before midnight and comes after others of the
-- new day is counted to that one, so that none is forgotten.
WITH used AS (
    INSERT INTO idempotency (account_id, key, body_sha256, answer, at)
    SELECT $1::int, $2::text, $3::bytea, $4::bytea, $5::timestamptz WHERE $2::text IS NOT NULL
    ON CONFLICT (account_id, key) DO NOTHING RETURNING true
), paid AS (
    UPDATE balance SET available = available - $6::bigint, day = greatest(day, $7::date),
        day_messages = CASE WHEN day >= $7::date THEN day_messages ELSE 0 END + $8::int,
        day_spent = CASE WHEN day >= $7::date THEN day_spent ELSE 0 END + $6::bigint
    WHERE account_id = $1::int AND ($6::bigint > 0 OR $9::int IS NOT NULL)
        AND may_spend(available, credit_limit, daily_limit, day, day_spent, $6::bigint,
            greatest(day, $7::date))
        AND ($9::int IS NULL
            OR CASE WHEN day >= $7::date THEN day_messages ELSE 0 END + $8::int <= $9::int)
        AND ($2::text IS NULL OR EXISTS (SELECT FROM used))
    RETURNING true
)
SELECT $2::text IS NULL OR EXISTS (SELECT FROM used) AS fresh,
    ($6::bigint = 0 AND $9::int IS NULL) OR EXISTS (SELECT FROM paid) AS paid;

-- name: balance_give
-- Give back what an order took within the same transaction.
UPDATE balance SET available = available + $2::bigint,
    day_messages = day_messages - CASE WHEN day >= $3::date THEN $4::int ELSE 0 END,
    day_spent = day_spent - CASE WHEN day >= $3::date THEN $2::bigint ELSE 0 END
WHERE account_id = $1::int;

-- name: order_store
-- A judged order as rows: its key and its cost if those are still to be taken ($40), the
-- reservation of its money, the submission, who may not be written to, the batches, their places
-- in the queue (held if the campaign is paused), and the event. Tells whether the key was new and
-- the cost was there; if not, at most the key is stored.
-- $63: the video that goes out in place of a text, if it is one. $64 to $66: the day that is
-- counted, the messages ordered now, and how many may be ordered on it (null: no such limit).
-- $67: where the text stood with screening. $68: in which province each person of a batch is. $69:
-- what screening says that the text is.
-- From $44 on, for an order that is stored in one call with its attempts: what was supposed when it
-- was judged (see still_true; nothing at all is stored if that does not hold), the windows, and the
-- claims made for them.
-- From $70 on: the keys of requests that were judged together. It is supposed that none of them was
-- used; one that is used at this very moment fails the statement, and so all of it.
-- $73: the last restriction that was known when it was judged.
WITH supposed AS MATERIALIZED (
    SELECT still_true($44::int[], $45::int[], $46::boolean[], $47::int, $48::bigint, $49::text[],
            $50::int[], $51::bigint[], $52::timestamptz, $2::int, $8::bigint, $13::timestamptz,
            $73::bigint)
        AND NOT EXISTS (SELECT FROM idempotency
            WHERE account_id = $2::int AND key = ANY($70::text[])) AS holds
), used_all AS (
    INSERT INTO idempotency (account_id, key, body_sha256, answer, at)
    SELECT $2::int, k, b, a, $13::timestamptz
    FROM supposed, unnest($70::text[], $71::bytea[], $72::bytea[]) AS new (k, b, a)
    WHERE holds ORDER BY k
), used AS (
    INSERT INTO idempotency (account_id, key, body_sha256, answer, at)
    SELECT $2::int, $41::text, $42::bytea, $43::bytea, $13::timestamptz
    FROM supposed WHERE holds AND $40::boolean AND $41::text IS NOT NULL
    ON CONFLICT (account_id, key) DO NOTHING RETURNING true
), paid AS (
    UPDATE balance SET available = available - $8::bigint, day = greatest(day, $64::date),
        day_messages = CASE WHEN day >= $64::date THEN day_messages ELSE 0 END + $65::int,
        day_spent = CASE WHEN day >= $64::date THEN day_spent ELSE 0 END + $8::bigint
    WHERE account_id = $2::int AND $40::boolean AND ($8::bigint > 0 OR $66::int IS NOT NULL)
        AND may_spend(available, credit_limit, daily_limit, day, day_spent, $8::bigint,
            greatest(day, $64::date))
        AND ($66::int IS NULL
            OR CASE WHEN day >= $64::date THEN day_messages ELSE 0 END + $65::int <= $66::int)
        AND (SELECT holds FROM supposed)
        AND ($41::text IS NULL OR EXISTS (SELECT FROM used))
    RETURNING true
), admitted AS MATERIALIZED (
    SELECT holds, NOT $40::boolean OR $41::text IS NULL OR EXISTS (SELECT FROM used) AS fresh,
        NOT $40::boolean OR ($8::bigint = 0 AND $66::int IS NULL)
            OR EXISTS (SELECT FROM paid) AS paid
    FROM supposed
), taken AS MATERIALIZED (
    SELECT FROM admitted WHERE holds AND fresh AND paid
), reserved AS (
    INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
    SELECT $2::int, 0, 'reserve', $1::bigint, $14::smallint, $15::smallint, $16::int,
        $8::bigint, $13::timestamptz
    FROM taken WHERE $8::bigint > 0
), submitted AS (
    INSERT INTO submission (id, account_id, campaign_id, sender_id, purpose, n, allowed, cost,
        reasons, rulebook, numbers, position, at, screening)
    SELECT $1::bigint, $2::int, $3::bigint, $4::int, $5::smallint, $6::int, $7::int,
        $8::bigint, $9::text::jsonb, $10::text, $11::text, $12::bigint, $13::timestamptz,
        $67::text::jsonb
    FROM taken
), decided AS (
    INSERT INTO decision (submission_id, rows, people, reasons, findings)
    SELECT $1::bigint, $17::bytea, $18::bytea, $19::bytea, $20::bytea
    FROM taken WHERE length($17::bytea) > 0
), told AS (
    INSERT INTO event (at, kind, account_id, subject, payload)
    SELECT $13::timestamptz, 'submission', $2::int, $1::bigint, $21::bytea FROM taken
), new AS (
    SELECT new.* FROM taken, unnest($29::bigint[], $30::int[], $31::text[], $32::smallint[],
        $33::timestamptz[], $34::timestamptz[], $35::bytea[], $36::bytea[], $37::bytea[],
        $38::bytea[], $39::bytea[], $62::text[], $25::bigint[], $68::bytea[])
        AS new (id, port_id, carrier, n, not_before, expires_at, people, rows, zones, segments,
            variables, writing, price, provinces)
), batched AS (
    INSERT INTO batch (id, submission_id, account_id, campaign_id, sender_id, group_id,
        programme_id, port_id, template_id, purpose, carrier, n, position, price, not_before,
        expires_at, content, people, rows, zones, segments, variables, accepted_at, writing,
        video_id, provinces, category)
    SELECT id, $1::bigint, $2::int, $3::bigint, $4::int, $22::int, $23::int, port_id, $24::int,
        $5::smallint, carrier, n, $12::bigint, price, not_before, expires_at, $26::text,
        people, rows, zones, segments, variables, $13::timestamptz, writing::jsonb, $63::bigint,
        provinces, $69::text
    FROM new
), queued AS (
    INSERT INTO queue (batch_id, lane, carrier, account_id, campaign_id, not_before, expires_at,
        epoch, held)
    SELECT id, $27::smallint, carrier, $2::int, $3::bigint, not_before, expires_at, $28::int,
        coalesce((SELECT state = 'paused' FROM campaign WHERE campaign.id = $3::bigint), false)
    FROM new
), planned AS (
    SELECT planned.* FROM taken,
        unnest($53::bigint[], $54::bigint[], $55::int[], $56::bytea[], $57::bytea[])
        AS planned (id, batch_id, group_id, slots, tries)
), opened AS (
    INSERT INTO open_window (id, batch_id, group_id, epoch)
    SELECT id, batch_id, group_id, $47::int FROM planned
), attempted AS (
    INSERT INTO attempt_window (id, batch_id, epoch, at, slots, tries)
    SELECT id, batch_id, $47::int, $58::timestamptz, slots, tries FROM planned
), claimed AS (
    INSERT INTO cap_claim (ledger, key, at, people)
    SELECT l, k, $58::timestamptz, p
    FROM taken, unnest($59::text[], $60::int[], $61::bytea[]) AS made (l, k, p)
    RETURNING seq, ledger, key
)
SELECT holds, fresh, paid, (SELECT array_agg(seq) FROM claimed) AS seqs,
    (SELECT array_agg(ledger) FROM claimed) AS ledgers,
    (SELECT array_agg(key) FROM claimed) AS keys
FROM admitted;
