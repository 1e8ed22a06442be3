-- Receivers: refusals of one programme; what their page shows and does.

-- name: programme_refusals_put
-- Refusals of one programme come into force; its standing ends.
WITH new AS (
    SELECT o, p, max(pos) AS pos FROM unnest($1::int[], $2::int[], $3::bigint[]) AS new (o, p, pos)
    GROUP BY o, p
), ended AS (
    DELETE FROM standing s USING new WHERE s.programme_id = new.o AND s.person_id = new.p
)
INSERT INTO programme_refusal (programme_id, person_id, position, at)
SELECT o, p, pos, $4::timestamptz FROM new
ON CONFLICT (programme_id, person_id) DO UPDATE
SET position = excluded.position, at = greatest(programme_refusal.at, excluded.at);

-- name: programme_refusals_all
-- Refusals of one programme in force.
SELECT programme_id, person_id FROM programme_refusal;

-- name: programme_refusals_of_people
-- The same of some people.
SELECT programme_id, person_id FROM programme_refusal WHERE person_id = ANY($1::int[]);

-- name: programme_refusals_of_pairs
-- Which (programme, person) pairs are refused already, by themselves or with their sender's group
-- ($3: of each pair, $4: the purposes). One who agreed afresh since then is not among them.
SELECT pair.o AS programme_id, pair.p AS person_id
FROM unnest($1::int[], $2::int[], $3::int[], $4::smallint[]) AS pair (o, p, g, m)
WHERE NOT EXISTS (SELECT FROM standing s
        WHERE s.programme_id = pair.o AND s.person_id = pair.p AND s.fresh)
    AND (EXISTS (SELECT FROM programme_refusal r
            WHERE r.programme_id = pair.o AND r.person_id = pair.p)
        OR pair.m = (SELECT bit_or(r.purposes) & pair.m FROM refusal r
            WHERE r.person_id = pair.p AND r.group_id IN (pair.g, 0)));
