-- The PDU log: what is looked for, and what was seen of it, masked.

-- name: pdu_watch_on
-- Look for PDUs from now on.
INSERT INTO pdu_watch (link, number_mark, until, most)
VALUES ($1::text, $2::bytea, $3::timestamptz, $4::int) RETURNING id;

-- name: pdu_watch_off
-- Look no more.
UPDATE pdu_watch SET ended = true WHERE NOT ended RETURNING id;

-- name: pdu_watch_current
-- What is looked for now.
SELECT id, link, number_mark, until, most FROM pdu_watch
WHERE NOT ended AND until > $1::timestamptz ORDER BY id DESC LIMIT 1;

-- name: pdu_watch_last
-- What was looked for last.
SELECT id, link, number_mark IS NOT NULL AS by_number, until, most, ended,
    (SELECT count(*) FROM pdu_seen s WHERE s.watch_id = w.id) AS seen
FROM pdu_watch w ORDER BY id DESC LIMIT 1;

-- name: pdu_seen_put
-- Keep masked PDUs, up to as many as the log may hold; return how many. Processes take turns, so
-- that ids come in the order in which they can be read.
WITH watch AS (
    SELECT most FROM pdu_watch WHERE id = $1::int AND NOT ended FOR UPDATE
), kept AS (
    INSERT INTO pdu_seen (watch_id, at, body)
    SELECT $1::int, new.at, new.body::jsonb
    FROM watch, unnest($2::timestamptz[], $3::text[]) WITH ORDINALITY AS new (at, body, place)
    WHERE new.place <= watch.most - (SELECT count(*) FROM pdu_seen WHERE watch_id = $1::int)
    ORDER BY new.place
    RETURNING 1
)
SELECT count(*) FROM kept;

-- name: pdu_seen_after
-- Masked PDUs of a log after a cursor.
SELECT id, at, body FROM pdu_seen WHERE watch_id = $1::int AND id > $2::bigint
ORDER BY id LIMIT $3::int;

-- name: pdu_seen_forget
-- Forget what was seen before a time.
DELETE FROM pdu_seen WHERE at < $1::timestamptz;
