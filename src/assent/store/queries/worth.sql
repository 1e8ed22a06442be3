-- What consents are worth: corrections, imports that wait, audits, cases.

-- name: people_corrected
-- Those of some people of whom an entry was corrected.
SELECT DISTINCT person_id FROM entry WHERE kind = 8 AND person_id = ANY($1::int[]);

-- name: entries_of_people
-- Every entry about some people, each person's in order.
SELECT person_id, position, body FROM entry
WHERE person_id = ANY($1::int[]) ORDER BY person_id, position;

-- name: standing_refold
-- Standing of some people as it was folded anew; what is so already stays untouched.
INSERT INTO standing (programme_id, person_id, grade, position, until, fresh)
SELECT g, p, l, pos, u, f
FROM unnest($2::int[], $3::int[], $4::smallint[], $5::bigint[], $6::timestamptz[], $7::boolean[])
    AS new (g, p, l, pos, u, f)
WHERE p = ANY($1::int[])
ON CONFLICT (programme_id, person_id) DO UPDATE
SET grade = excluded.grade, position = excluded.position, until = excluded.until,
    fresh = excluded.fresh
WHERE (standing.grade, standing.position, standing.until, standing.fresh)
    IS DISTINCT FROM (excluded.grade, excluded.position, excluded.until, excluded.fresh);

-- name: standing_keep
-- Of some people's standing only what is named stays.
DELETE FROM standing s WHERE s.person_id = ANY($1::int[])
    AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (g, p)
        WHERE kept.g = s.programme_id AND kept.p = s.person_id);

-- name: refusals_refold
-- Refusals of some people as they were folded anew.
INSERT INTO refusal (group_id, person_id, purposes, position, at)
SELECT g, p, m, pos, t
FROM unnest($2::int[], $3::int[], $4::smallint[], $5::bigint[], $6::timestamptz[])
    AS new (g, p, m, pos, t)
WHERE p = ANY($1::int[])
ON CONFLICT (group_id, person_id) DO UPDATE
SET purposes = excluded.purposes, position = excluded.position, at = excluded.at
WHERE (refusal.purposes, refusal.position, refusal.at)
    IS DISTINCT FROM (excluded.purposes, excluded.position, excluded.at);

-- name: refusals_keep
-- Of some people's refusals only those of the groups that are named stay.
DELETE FROM refusal r WHERE r.person_id = ANY($1::int[])
    AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (g, p)
        WHERE kept.g = r.group_id AND kept.p = r.person_id);

-- name: pauses_refold
-- Pauses as they were folded anew; one that is there keeps its reply.
INSERT INTO pause (position, group_id, person_id, purposes, reply_id)
SELECT pos, g, p, m, r
FROM unnest($1::bigint[], $2::int[], $3::int[], $4::smallint[], $5::bigint[])
    AS new (pos, g, p, m, r)
ON CONFLICT (position) DO NOTHING;

-- name: pauses_keep
-- Of some people's pauses only those at the positions that are named stay.
DELETE FROM pause WHERE person_id = ANY($1::int[]) AND NOT position = ANY($2::bigint[]);
