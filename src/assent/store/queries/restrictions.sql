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

-- name: ceiling_counts
-- What was counted since an hour by what is counted apart ($3 to $10: group, sender, account, port,
-- carrier, province, category, purpose), where enough was. $11: which rate. What is not known cannot
-- be restricted by itself.
SELECT CASE WHEN $3::boolean THEN s.group_id END AS group_id,
    CASE WHEN $4::boolean THEN r.sender_id END AS sender_id,
    CASE WHEN $5::boolean THEN r.account_id END AS account_id,
    CASE WHEN $6::boolean THEN r.port_id END AS port_id,
    CASE WHEN $7::boolean THEN r.carrier END AS carrier,
    CASE WHEN $8::boolean THEN r.province END AS province,
    CASE WHEN $9::boolean THEN r.category END AS category,
    CASE WHEN $10::boolean THEN r.purpose END AS purpose,
    sum(CASE WHEN $11::text = 'failed' THEN r.submitted
        ELSE greatest(r.submitted - r.failed, 0) END)::bigint AS messages,
    sum(CASE $11::text WHEN 'failed' THEN r.failed WHEN 'refused' THEN r.refused
        ELSE r.complained END)::bigint AS events
FROM rollup_hour r LEFT JOIN sender s ON s.id = r.sender_id
WHERE r.hour >= $1::timestamptz AND r.purpose = ANY($2::smallint[])
    AND (NOT $3::boolean OR s.group_id IS NOT NULL) AND (NOT $4::boolean OR r.sender_id > 0)
    AND (NOT $5::boolean OR r.account_id > 0) AND (NOT $6::boolean OR r.port_id > 0)
    AND (NOT $7::boolean OR r.carrier <> '') AND (NOT $8::boolean OR r.province > 0)
    AND (NOT $9::boolean OR r.category <> '')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
HAVING sum(CASE $11::text WHEN 'failed' THEN r.failed WHEN 'refused' THEN r.refused
        ELSE r.complained END) >= $12::bigint
    AND sum(r.submitted) >= $13::bigint;

-- name: ceiling_counts_of
-- The same for one key, in some hours: from the first to the last.
SELECT coalesce(sum(CASE WHEN $12::text = 'failed' THEN r.submitted
        ELSE greatest(r.submitted - r.failed, 0) END), 0)::bigint AS messages,
    coalesce(sum(CASE $12::text WHEN 'failed' THEN r.failed WHEN 'refused' THEN r.refused
        ELSE r.complained END), 0)::bigint AS events
FROM rollup_hour r LEFT JOIN sender s ON s.id = r.sender_id
WHERE r.hour >= $1::timestamptz AND r.hour <= $2::timestamptz AND r.purpose = ANY($3::smallint[])
    AND ($4::int IS NULL OR s.group_id = $4::int) AND ($5::int IS NULL OR r.sender_id = $5::int)
    AND ($6::int IS NULL OR r.account_id = $6::int) AND ($7::int IS NULL OR r.port_id = $7::int)
    AND ($8::text IS NULL OR r.carrier = $8::text)
    AND ($9::smallint IS NULL OR r.province = $9::smallint)
    AND ($10::text IS NULL OR r.category = $10::text)
    AND ($11::smallint IS NULL OR r.purpose = $11::smallint);

-- name: ceiling_lasts
-- The last crossing of each key that stands, or of one, and when its restriction ended or will.
SELECT DISTINCT ON (f.ceiling, f.key) f.*, r.id AS restriction_id,
    least(r.until, r.lifted_at) AS ended, r.lifted_at IS NULL AS open
FROM ceiling_finding f JOIN restriction r ON r.source = 'ceiling' AND r.source_id = f.id
WHERE f.withdrawn_at IS NULL AND ($1::text IS NULL OR f.ceiling = $1::text AND f.key = $2::text)
ORDER BY f.ceiling, f.key, f.id DESC;

-- name: ceiling_finding_insert
-- Keep a crossing.
INSERT INTO ceiling_finding (ceiling, key, from_hour, to_hour, messages, events, rate, bound,
    confidence, step, rulebook, at)
VALUES ($1::text, $2::text, $3::timestamptz, $4::timestamptz, $5::bigint, $6::bigint, $7::float8,
    $8::float8, $9::float8, $10::smallint, $11::bytea, $12::timestamptz)
RETURNING id;

-- name: ceiling_finding_withdraw
-- Counted again, it is none.
UPDATE ceiling_finding SET withdrawn_at = $2::timestamptz
WHERE id = $1::bigint AND withdrawn_at IS NULL RETURNING id;

-- name: ceiling_finding_get
-- What a restriction rests on.
SELECT * FROM ceiling_finding WHERE id = $1::bigint;

-- name: restriction_imposer
-- Who of the staff imposed a restriction.
SELECT actor_id, key_id FROM staff_act WHERE what = 'restriction.impose' AND subject = $1::text;

-- name: carrier_block_same
-- A list that was taken already.
SELECT id, faults, accepted FROM carrier_block_file WHERE carrier = $1::text AND sha256 = $2::bytea;

-- name: carrier_block_last
-- The day of the list in force.
SELECT max(dated) FROM carrier_block_file WHERE carrier = $1::text;

-- name: carrier_block_file_insert
-- Keep that a list was taken.
INSERT INTO carrier_block_file (carrier, dated, sha256, rows, accepted, faults, at, key_id, actor_id)
VALUES ($1::text, $2::date, $3::bytea, $4::int, $5::int, $6::text::jsonb, $7::timestamptz, $8::int,
    $9::int)
RETURNING id;

-- name: carrier_block_clear
-- Another list takes the place of a carrier's.
DELETE FROM carrier_block WHERE carrier = $1::text;

-- name: carrier_block_insert
-- Put people on a carrier's list.
INSERT INTO carrier_block (carrier, file_id, person_id)
SELECT $1::text, $2::bigint, p FROM unnest($3::int[]) AS p
ON CONFLICT (carrier, person_id) DO UPDATE SET file_id = excluded.file_id;

-- name: carrier_block_files
-- The lists that were taken.
SELECT * FROM carrier_block_file ORDER BY id DESC LIMIT 1000;

-- name: carrier_blocks
-- Whom each carrier blocks, as columns of person ids (u32, most significant octet first), ascending.
SELECT carrier, string_agg(int4send(person_id), ''::bytea ORDER BY person_id) AS people
FROM carrier_block GROUP BY carrier;

-- name: carrier_restrictions
-- Ports that a carrier's list restricts.
SELECT id, port_id FROM restriction
WHERE source = 'carrier' AND carrier = $1::text AND port_id IS NOT NULL AND lifted_at IS NULL;
