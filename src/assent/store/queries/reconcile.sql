-- Carriers' bills beside what left.

-- name: results_of_day
-- Carriers' answers of a day, by port, in pages after ($6, $7); batches by id between $4 and $5.
SELECT r.batch_id, r.id, r.statuses, p.number AS port
FROM window_result r
JOIN batch b ON b.id = r.batch_id AND b.id >= $4::bigint AND b.id < $5::bigint
JOIN port p ON p.id = b.port_id
WHERE r.carrier = $1::text AND r.at >= $2::timestamptz AND r.at < $3::timestamptz
    AND r.batch_id >= $4::bigint AND r.batch_id < $5::bigint
    AND (r.batch_id, r.id) > ($6::bigint, $7::bigint)
ORDER BY r.batch_id, r.id LIMIT $8::int;

-- name: bill_put
-- Take a bill; one that was taken already is not taken again.
INSERT INTO carrier_bill (carrier, day, sha256, at, findings)
VALUES ($1::text, $2::date, $3::bytea, $4::timestamptz, $5::int)
ON CONFLICT (carrier, day, sha256) DO NOTHING RETURNING id;

-- name: bill_same
-- The bill with these lines.
SELECT id FROM carrier_bill WHERE carrier = $1::text AND day = $2::date AND sha256 = $3::bytea;

-- name: bill_line_put
-- A port's line of a bill, beside what left.
INSERT INTO carrier_bill_line (bill_id, port, billed, accepted, unsure, refused, finding)
VALUES ($1::int, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text);

-- name: bill_get
-- A bill.
SELECT id, carrier, day, at, findings FROM carrier_bill WHERE id = $1::int;

-- name: bill_lines
-- Its lines, those that show something first.
SELECT port, billed, accepted, unsure, refused, finding FROM carrier_bill_line
WHERE bill_id = $1::int ORDER BY finding = '', port;

-- name: bills
-- Bills before an id, newest first.
SELECT id, carrier, day, at, findings FROM carrier_bill WHERE id < $1::int
ORDER BY id DESC LIMIT $2::int;
