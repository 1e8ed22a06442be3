-- The ledger and what it adds up to.

-- name: ledger_head
-- The position of the last entry, 0 when there is none.
SELECT next - 1 FROM entry_position;

-- name: entries_after
-- Entries after a position, in order.
SELECT position, body FROM entry WHERE position > $1::bigint ORDER BY position LIMIT $2::int;

-- name: standing_programmes
-- Programmes that anybody stands in.
SELECT DISTINCT programme_id FROM standing;

-- name: standing_of_programme
-- Who stands in a programme; expires in seconds since 1970, 0 for never.
SELECT person_id, grade, coalesce(extract(epoch FROM until)::bigint, 0) AS expires, fresh
FROM standing WHERE programme_id = $1::int;

-- name: refusals_all
-- Refusals in force.
SELECT group_id, person_id, purposes FROM refusal;

-- name: pauses_all
-- Pauses in force.
SELECT group_id, person_id, purposes FROM pause;

-- name: positions_take
-- Draw gapless positions; locks the counter until commit, so this comes last.
UPDATE entry_position SET next = next + $1::int RETURNING next - $1::int;

-- name: standing_put
-- Standing that entries granted; a later grant replaces an earlier one, a lower grade never
-- lowers a higher one.
INSERT INTO standing (programme_id, person_id, grade, position, until, fresh)
SELECT $1::int, p, $3::smallint, pos, $5::timestamptz, f
FROM unnest($2::int[], $4::bigint[], $6::boolean[]) AS new (p, pos, f)
ON CONFLICT (programme_id, person_id) DO UPDATE
SET grade = greatest(standing.grade, excluded.grade), position = excluded.position,
    until = excluded.until, fresh = standing.fresh OR excluded.fresh;

-- name: standing_drop
-- End standing in some programmes.
DELETE FROM standing WHERE person_id = ANY($1::int[]) AND programme_id = ANY($2::int[]);

-- name: standing_drop_all
-- End all standing of some people.
DELETE FROM standing WHERE person_id = ANY($1::int[]);

-- name: refusals_of_pairs
-- Refusals that stand already for some pairs.
SELECT r.group_id, r.person_id, r.purposes, r.position
FROM unnest($1::int[], $2::int[]) AS pair (g, p)
JOIN refusal r ON r.group_id = pair.g AND r.person_id = pair.p;

-- name: refusals_put
-- Refusals come into force.
INSERT INTO refusal (group_id, person_id, purposes, position, at)
SELECT g, p, m, pos, $5::timestamptz
FROM unnest($1::int[], $2::int[], $3::smallint[], $4::bigint[]) AS new (g, p, m, pos)
ON CONFLICT (group_id, person_id) DO UPDATE
SET purposes = refusal.purposes | excluded.purposes, position = excluded.position,
    at = excluded.at;

-- name: pauses_put
-- Pauses come into force.
INSERT INTO pause (group_id, person_id, purposes, position, reply_id)
SELECT g, p, m, pos, r
FROM unnest($1::int[], $2::int[], $3::smallint[], $4::bigint[], $5::bigint[])
    AS new (g, p, m, pos, r)
ON CONFLICT (group_id, person_id) DO UPDATE
SET purposes = pause.purposes | excluded.purposes, position = excluded.position;

-- name: pause_end
-- A person has read the reply: the pause ends.
DELETE FROM pause WHERE group_id = $1::int AND person_id = $2::int RETURNING purposes;

-- name: open_windows_of_groups
-- Windows in flight of some groups, with whom they hold.
SELECT o.id, o.group_id, w.slots, b.people
FROM open_window o
JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
JOIN batch b ON b.id = o.batch_id
WHERE o.group_id = ANY($1::int[]);

-- name: confirmations_insert
-- Confirmations to be sent once what is in flight is answered.
INSERT INTO confirmation (id, position, person_id, groups, names, receipt_code, repeat, waits,
    state, created_at)
VALUES ($1::bigint, $2::bigint, $3::int, $4::int[], $5::text, $6::text, $7::boolean,
    $8::bigint[], 'waiting', $9::timestamptz);

-- name: confirmed_since
-- Who was answered since a time.
SELECT DISTINCT person_id FROM confirmation
WHERE person_id = ANY($1::int[]) AND created_at > $2::timestamptz;

-- name: confirmations_ready
-- Confirmations that wait for nothing any more.
SELECT c.id, c.person_id, c.names, c.receipt_code FROM confirmation c
WHERE c.state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM open_window o WHERE o.id = ANY(c.waits))
ORDER BY c.id LIMIT $1::int;

-- name: confirmations_held
-- Confirmations whose windows are not all closed, with those that are open, page by page.
SELECT c.id, c.person_id, c.names, c.receipt_code,
    ARRAY(SELECT o.id FROM open_window o WHERE o.id = ANY(c.waits)) AS open
FROM confirmation c WHERE c.state = 'waiting' AND c.id > $1::bigint ORDER BY c.id LIMIT $2::int;

-- name: window_pair_results
-- What is stored of a window: for telling whether one person's attempt is answered.
SELECT w.slots, b.people, b.segments AS counts, r.positions, r.segments, r.statuses
FROM open_window o
JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
JOIN batch b ON b.id = o.batch_id
LEFT JOIN window_result r ON r.batch_id = o.batch_id AND r.window_id = o.id
WHERE o.id = $1::bigint;

-- name: confirmation_attempted
-- A confirmation is on its way.
UPDATE confirmation SET state = 'attempted', message_id = $2::bigint,
    attempted_at = $3::timestamptz
WHERE id = $1::bigint AND state = 'waiting';

-- name: confirmation_unroutable
-- There is no way to send a confirmation; it is counted and shown.
UPDATE confirmation SET state = 'unroutable' WHERE id = $1::bigint AND state = 'waiting';

-- name: confirmation_counts
-- Confirmations by state.
SELECT state, count(*) AS n FROM confirmation GROUP BY state;

-- name: import_insert
-- Note an import of consents.
INSERT INTO consent_import (account_id, programme_id, source, accepted, refused, at)
VALUES ($1::int, $2::int, $3::text, $4::int, $5::int, $6::timestamptz) RETURNING id;

-- name: wording_put
-- The id of a version of a programme's wording.
INSERT INTO wording (programme_id, version) VALUES ($1::int, $2::text)
ON CONFLICT (programme_id, version) DO UPDATE SET version = excluded.version RETURNING id;

-- name: programmes_of_people
-- Programmes that people stand in.
SELECT person_id, programme_id FROM standing WHERE person_id = ANY($1::int[]);
