-- Customers' links.

-- name: customer_links_all
-- Every login.
SELECT id, account_id, login, secret, sealed, dialects, allowed, binds, window_size, rate, replies,
    reports_to, status
FROM customer_link ORDER BY id;

-- name: customer_link_seal
-- Put a login's secret away sealed, unless somebody changed it meanwhile.
UPDATE customer_link SET secret = NULL, sealed = $3::bytea WHERE id = $1::int AND secret = $2::text;

-- name: customer_link_put
-- File a login. Its secret comes sealed ($3), or open ($14) where there is no vault yet; it is kept
-- once it is there, unless another is given ($4).
INSERT INTO customer_link (account_id, login, sealed, dialects, allowed, binds, window_size, rate,
    replies, reports_to, status, created_at, secret)
VALUES ($1::int, $2::text, $3::bytea, $5::text[], $6::text[], $7::smallint,
    $8::smallint, $9::int, $10::boolean, $11::text, $12::text, $13::timestamptz, $14::text)
ON CONFLICT (login) DO UPDATE SET
    sealed = CASE WHEN $4::boolean THEN excluded.sealed ELSE customer_link.sealed END,
    secret = CASE WHEN $4::boolean THEN excluded.secret ELSE customer_link.secret END,
    dialects = excluded.dialects, allowed = excluded.allowed, binds = excluded.binds,
    window_size = excluded.window_size, rate = excluded.rate, replies = excluded.replies,
    reports_to = excluded.reports_to, status = excluded.status
WHERE customer_link.account_id = excluded.account_id
RETURNING id, xmax = 0 AS made;

-- name: handed_store
-- Store submits. One that is stored already (its answer was lost) stays as it is.
INSERT INTO handed_in (id, link_id, epoch, at, body)
SELECT i, l, $5::int, $4::timestamptz, b
FROM unnest($1::bigint[], $2::int[], $3::bytea[]) AS new (i, l, b)
ON CONFLICT (id) DO NOTHING;

-- name: handed_left
-- What ended processes left to be judged, and of some that this one may have taken over (its answer
-- was lost) those that it has. Fewer at once than would fill the memory.
(SELECT h.id FROM handed_in h JOIN epoch e ON e.id = h.epoch
    WHERE e.ended_at IS NOT NULL ORDER BY h.id LIMIT $3::int)
UNION SELECT id FROM handed_in WHERE epoch = $1::int AND id = ANY($2::bigint[]);

-- name: handed_adopt
-- Take some of those over, unless somebody else did.
UPDATE handed_in SET epoch = $1::int WHERE id IN (
    SELECT h.id FROM handed_in h JOIN epoch e ON e.id = h.epoch
    WHERE h.id = ANY($2::bigint[]) AND (e.ended_at IS NOT NULL OR h.epoch = $1::int)
    ORDER BY h.id FOR UPDATE OF h SKIP LOCKED)
RETURNING id, link_id, at, body;

-- name: handed_judged
-- Forget submits that are judged in this transaction; how many of them are this process's. Unless
-- all are, they stay.
WITH held AS MATERIALIZED (
    SELECT id FROM handed_in WHERE id = ANY($1::bigint[]) AND epoch = $2::int ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM handed_in WHERE id IN (SELECT id FROM held)
        AND (SELECT count(*) FROM held) = cardinality($1::bigint[])
)
SELECT count(*)::int FROM held;

-- name: link_batches_store
-- What customers call the messages of batches.
INSERT INTO link_batch (batch_id, link_id, at, source, node, parts, ids, forms, wanted, told)
SELECT b, $2::int, to_timestamp(t), $4::text, $5::bigint, p, i, f, w,
    decode(repeat('00', length(p)), 'hex')
FROM unnest($1::bigint[], $3::float8[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])
    AS new (b, t, p, i, f, w);

-- name: link_batches_hold
-- Batches of customers' links among some, with their people, held.
SELECT l.batch_id, l.link_id, l.at, l.source, l.node, l.parts, l.ids, l.forms, l.wanted, l.told, b.people
FROM link_batch l JOIN batch b ON b.id = l.batch_id
WHERE l.batch_id = ANY($1::bigint[]) ORDER BY l.batch_id FOR UPDATE OF l;

-- name: link_batches_told
-- Note whose ends are in a parcel.
UPDATE link_batch SET told = new.told
FROM unnest($1::bigint[], $2::bytea[]) AS new (batch_id, told)
WHERE link_batch.batch_id = new.batch_id;

-- name: parcels_store
-- Parcels for links, and a word to whoever holds their connections.
WITH stored AS (
    INSERT INTO parcel (link_id, at, body)
    SELECT l, $3::timestamptz, b
    FROM unnest($1::int[], $2::bytea[]) WITH ORDINALITY AS new (l, b, nr) ORDER BY nr
)
SELECT pg_notify('parcel', l::text) FROM unnest($1::int[]) AS l GROUP BY l;

-- name: parcels_of_link
-- Take the next parcels of a link but for some that this process has already. What a living process
-- has is its own.
WITH next AS MATERIALIZED (
    SELECT p.id FROM parcel p LEFT JOIN epoch e ON e.id = p.epoch
    WHERE p.link_id = $1::int AND p.id <> ALL($2::bigint[])
        AND (p.epoch IS NULL OR p.epoch = $4::int OR e.ended_at IS NOT NULL)
    ORDER BY p.id LIMIT $3::int FOR UPDATE OF p SKIP LOCKED
)
UPDATE parcel SET epoch = $4::int WHERE id IN (SELECT id FROM next) RETURNING id, body;

-- name: parcels_give_back
-- Leave what this process has of a link (NULL: of every link) to others, and tell them.
WITH freed AS (
    UPDATE parcel SET epoch = NULL
    WHERE epoch = $1::int AND ($2::int IS NULL OR link_id = $2::int) RETURNING link_id
)
SELECT pg_notify('parcel', link_id::text) FROM freed GROUP BY link_id;

-- name: parcels_done
-- Forget parcels that are acknowledged.
DELETE FROM parcel WHERE id = ANY($1::bigint[]);

-- name: parcels_drop
-- Forget what a customer did not fetch in time.
DELETE FROM parcel WHERE at < $1::timestamptz;

-- name: link_message_find
-- Batches of a link and a time in whose ids some octets stand.
SELECT batch_id, parts, ids FROM link_batch
WHERE link_id = $1::int AND batch_id >= $2::bigint AND batch_id < $3::bigint
    AND position($4::bytea IN ids) > 0
ORDER BY batch_id LIMIT 8;

-- name: link_message_unjudged
-- What of a link holds an id, packed: submits that are not judged, and parcels that are not
-- acknowledged.
SELECT NULL::bytea AS parcel FROM handed_in
WHERE link_id = $1::int AND position($2::bytea IN body) > 0
UNION ALL SELECT body FROM parcel WHERE link_id = $1::int AND position($2::bytea IN body) > 0
LIMIT 8;
