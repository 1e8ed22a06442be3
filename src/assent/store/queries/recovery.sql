-- Bringing back what a restored backup does not know.

-- name: over_people
-- Who has which number since when, of some people.
SELECT id, msisdn, created_at FROM person WHERE id = ANY($1::int[]) AND msisdn IS NOT NULL;

-- name: over_people_page
-- The same of everybody, a page at a time.
SELECT id, msisdn, created_at FROM person WHERE id > $1::int AND msisdn IS NOT NULL
ORDER BY id LIMIT $2::int;

-- name: reply_is_there
-- Whether a reply with these words of a person to a number is known of about then.
SELECT EXISTS (SELECT FROM reply WHERE person_id = $1::int AND destination = $2::text
    AND text = $3::text AND at BETWEEN $4::timestamptz AND $5::timestamptz);

-- name: reply_recovered
-- A reply that the backup did not know, read as it would have been.
INSERT INTO reply (id, at, carrier, destination, person_id, text, intent, complaint, complete,
    groups, keyword_set, keyword_digest)
VALUES ($1::bigint, $2::timestamptz, $3::text, $4::text, $5::int, $6::text, $7::text, $8::boolean,
    true, $9::int[], $10::text, $11::bytea);

-- name: inbound_copy
-- What people wrote, after an id, with their numbers as far as they have any.
SELECT i.id, i.at, i.carrier, i.destination, i.fmt, i.content, i.reference, i.total, i.number,
    p.msisdn
FROM inbound i LEFT JOIN person p ON p.id = i.person_id
WHERE i.id > $1::bigint ORDER BY i.id LIMIT $2::int;
