-- Receipts and replies.

-- name: receipt_insert
-- Reports acknowledged together.
INSERT INTO receipt_log (id, at, carrier, messages, segments, states, carrier_ids, raw, raw_size,
    codes)
VALUES ($1::bigint, $2::timestamptz, $3::text, $4::bytea, $5::bytea, $6::bytea, $7::bytea,
    $8::bytea, $9::smallint, $10::bytea);

-- name: receipts_store
-- What one round of reports comes to, as one transaction: rows of reports that are acknowledged
-- together and the event that tells of them, and those whose message is not known here (yet).
WITH logged AS (
    INSERT INTO receipt_log (id, at, carrier, messages, segments, states, carrier_ids, raw,
        raw_size, codes)
    SELECT i, $1::timestamptz, c, m, g, s, n, r, z, w
    FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[],
        $8::bytea[], $9::smallint[], $10::bytea[]) AS new (i, c, m, g, s, n, r, z, w)
), told AS (
    INSERT INTO event (at, kind, account_id, subject, payload)
    SELECT $1::timestamptz, 'receipt', NULL, ($2::bigint[])[1], $11::bytea
    WHERE cardinality($2::bigint[]) > 0
)
INSERT INTO receipt_parked (at, code, carrier, carrier_id, person_id, state, raw)
SELECT $1::timestamptz, w, c, i, p, s, r
FROM unnest($12::bigint[], $13::text[], $14::bigint[], $15::int[], $16::smallint[], $17::bytea[])
    AS new (w, c, i, p, s, r);

-- name: parked_take
-- Parked reports to try to match, oldest first.
SELECT id, at, carrier, carrier_id, person_id, state, raw, code FROM receipt_parked
WHERE NOT given_up AND id > $1::bigint ORDER BY id LIMIT $2::int FOR UPDATE SKIP LOCKED;

-- name: results_by_carrier_id
-- Results that may hold some carrier ids: those whose range covers one. `whole`: whether each
-- message went as one PDU, whose id stands with all its segments.
SELECT k.carrier_id AS wanted, r.batch_id, r.positions, r.segments, r.carrier_ids, w.slots,
    b.writing ->> 'long_text' IS NOT DISTINCT FROM 'payload' AS whole
FROM unnest($2::bigint[]) AS k (carrier_id)
CROSS JOIN LATERAL (
    SELECT r.batch_id, r.window_id, r.positions, r.segments, r.carrier_ids FROM window_result r
    WHERE r.carrier = $1::text AND r.hi >= k.carrier_id AND r.lo <= k.carrier_id
    ORDER BY r.hi LIMIT 64
) r
JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id
JOIN batch b ON b.id = r.batch_id;

-- name: unsure_of_people
-- Segments of some people that may have left, oldest first. `whole`: as above.
SELECT u.batch_id, u.slot, u.segment, u.window_id, u.person_id, u.at, u.settled,
    b.writing ->> 'long_text' IS NOT DISTINCT FROM 'payload' AS whole
FROM unsure_segment u LEFT JOIN batch b ON b.id = u.batch_id
WHERE u.carrier = $1::text AND u.person_id = ANY($2::int[])
    AND (u.settled IS NULL OR u.settled <> 'receipt') ORDER BY u.at;

-- name: unsure_settle
-- A late receipt, or the end of waiting, settles what was unsure.
UPDATE unsure_segment SET settled = $5::text, charged = charged OR $6::boolean,
    released = released OR $7::boolean
WHERE batch_id = $1::bigint AND slot = $2::smallint AND segment = $3::smallint
    AND window_id = $4::bigint;

-- name: unsure_old
-- Segments unsure for longer than their money stays reserved.
SELECT u.batch_id, u.slot, u.segment, u.window_id, b.account_id, b.price
FROM unsure_segment u JOIN batch b ON b.id = u.batch_id
WHERE u.settled IS NULL AND u.at < $1::timestamptz ORDER BY u.at LIMIT $2::int;

-- name: batch_prices
-- Accounts and prices of batches.
SELECT id, account_id, price, purpose, carrier, port_id, video_id, spending_day(accepted_at) AS day
FROM batch WHERE id = ANY($1::bigint[]);

-- name: parked_delete
-- Parked reports that found their message.
DELETE FROM receipt_parked WHERE id = ANY($1::bigint[]);

-- name: parked_give_up
-- Parked reports too old to find theirs; kept for people.
UPDATE receipt_parked SET given_up = true WHERE NOT given_up AND at < $1::timestamptz;

-- name: inbound_store
-- Mobile-originated messages or parts of some, as they came; no row for a redelivery. $13: whether
-- whoever acts on them hears of it.
WITH kept AS (
    INSERT INTO inbound (id, at, carrier, link, carrier_id, destination, person_id, fmt, content,
        reference, total, number)
    SELECT i, a, c, l, ci, d, p, f, co, r, t, n
    FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::text[],
        $7::int[], $8::smallint[], $9::bytea[], $10::int[], $11::smallint[], $12::smallint[])
        AS new (i, a, c, l, ci, d, p, f, co, r, t, n)
    ON CONFLICT DO NOTHING
)
SELECT CASE WHEN $13::boolean THEN pg_notify('inbound', '') END;

-- name: inbound_peek
-- Messages that nothing was made of yet: whole ones, and parts whose rest is there too or has
-- not come in time.
SELECT id, at, carrier, destination, person_id, fmt, content, reference, total, number
FROM inbound i WHERE reply_id IS NULL AND (total IS NULL OR total = 1 OR EXISTS (
    SELECT FROM inbound j
    WHERE j.reply_id IS NULL AND j.person_id = i.person_id AND j.destination = i.destination
        AND j.reference = i.reference AND j.total = i.total
    HAVING count(DISTINCT j.number) >= i.total OR min(j.at) < $2::timestamptz))
ORDER BY id LIMIT $1::int;

-- name: inbound_read
-- Parts of some references that something was made of since a time.
SELECT i.person_id, i.destination, i.reference, i.total, i.number, i.fmt, i.content, i.reply_id
FROM unnest($1::int[], $2::text[], $3::int[]) AS k (person_id, destination, reference)
JOIN inbound i USING (person_id, destination, reference)
WHERE i.reply_id IS NOT NULL AND i.total > 1 AND i.at > $4::timestamptz;

-- name: inbound_parts_waiting
-- How many parts wait for the rest of their message.
SELECT count(*) FROM inbound WHERE reply_id IS NULL AND total > 1;

-- name: inbound_hold
-- Those of some messages that are still free, held for this transaction.
SELECT id FROM inbound WHERE id = ANY($1::bigint[]) AND reply_id IS NULL FOR UPDATE;

-- name: inbound_claimed
-- What became of stored messages.
UPDATE inbound SET reply_id = $2::bigint WHERE id = ANY($1::bigint[]);

-- name: batches_to_person
-- Batches sent from some ports since a time that hold a person, the newest first. Octets may stand
-- across two numbers, so whoever asks looks again.
SELECT sender_id, group_id, account_id, people FROM batch
WHERE port_id = ANY($1::int[]) AND id >= $2::bigint AND position($3::bytea IN people) > 0
ORDER BY id DESC;
