-- Restrictions: what must not leave for a while.

-- name: restrictions_open
-- Every restriction that was not lifted, and the last id that there is; without any, one row with
-- no id. One statement, so that both are of the same moment.
SELECT m.seen, r.* FROM (SELECT coalesce(max(id), 0) AS seen FROM restriction) m
LEFT JOIN restriction r ON r.lifted_at IS NULL;

-- name: restriction_insert
-- Impose one.
INSERT INTO restriction (group_id, sender_id, account_id, port_id, carrier, province, category,
    purposes, effect, code, words, source, source_id, since, until, step)
VALUES ($1::int, $2::int, $3::int, $4::int, $5::text, $6::smallint, $7::text, $8::smallint,
    $9::text, $10::text, $11::text::jsonb, $12::text, $13::bigint, $14::timestamptz,
    $15::timestamptz, $16::smallint)
RETURNING id;

-- name: restriction_lift
-- Lift one; nothing where it was lifted already.
UPDATE restriction SET lifted_at = $2::timestamptz, lifted_by = $3::text
WHERE id = $1::bigint AND lifted_at IS NULL RETURNING *;

-- name: restriction_get
-- One restriction.
SELECT * FROM restriction WHERE id = $1::bigint;

-- name: restrictions_ended
-- Lift what is over: it binds nobody any more, and need not be read.
UPDATE restriction SET lifted_at = until, lifted_by = 'end'
WHERE lifted_at IS NULL AND until <= $1::timestamptz RETURNING id;

-- name: restrictions_page
-- Restrictions newest first, before an id, of one source or of all; those in force only or all.
SELECT * FROM restriction
WHERE id < coalesce($1::bigint, 9223372036854775807)
    AND ($2::text = '' OR source = $2::text)
    AND (NOT $3::boolean
        OR lifted_at IS NULL AND (until IS NULL OR until > $4::timestamptz))
ORDER BY id DESC LIMIT $5::int;
