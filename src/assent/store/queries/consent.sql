-- The ledger and what it adds up to.

-- name: ledger_head
-- The position of the last entry, 0 when there is none.
SELECT next - 1 FROM entry_position;

-- name: entries_after
-- Whom the entries after a position are about, in order.
SELECT position, kind, group_id, programme_id, person_id FROM entry
WHERE position > $1::bigint ORDER BY position LIMIT $2::int;

-- name: standing_counts
-- How many people stand in each programme.
SELECT programme_id, count(*)::int AS people FROM standing GROUP BY programme_id;

-- name: standing_copy
-- Everybody's standing, for COPY: no NULL, every column of one length. `flags`: grade, and 4 for
-- fresh; -infinity for no end.
SELECT programme_id, person_id, coalesce(until, '-infinity'::timestamptz),
    (grade | (fresh::int << 2))::int2
FROM standing;

-- name: standing_of_people
-- How some people stand in some programmes; expires in seconds since 1970, 0 for never.
SELECT programme_id, person_id, grade,
    coalesce(floor(extract(epoch FROM until))::bigint, 0) AS expires, fresh
FROM standing WHERE programme_id = ANY($1::int[]) AND person_id = ANY($2::int[]);

-- name: standing_lapses
-- Whose standing in a programme ends by date before a time, and when.
SELECT person_id, until FROM standing
WHERE programme_id = $1::int AND person_id = ANY($2::int[]) AND until < $3::timestamptz;

-- name: refusals_copy
-- Refusals in force, for COPY.
SELECT group_id, person_id, purposes FROM refusal;

-- name: refusals_of_people
-- Refusals in force of some people.
SELECT group_id, person_id, purposes FROM refusal WHERE person_id = ANY($1::int[]);

-- name: pauses_copy
-- Pauses in force, for COPY.
SELECT group_id, person_id, bit_or(purposes) FROM pause GROUP BY group_id, person_id;

-- name: pauses_of_people
-- Pauses in force of some people.
SELECT group_id, person_id, bit_or(purposes) AS purposes FROM pause
WHERE person_id = ANY($1::int[]) GROUP BY group_id, person_id;

-- name: positions_take
-- Draw gapless positions; locks the counter until commit, so this comes last.
UPDATE entry_position SET next = next + $1::int RETURNING next - $1::int;

-- name: standing_put
-- Standing that grants to a programme of a group opened (consent/standing.py tells the rules):
-- nothing while a refusal stands, unless the person agreed later than that; a lower grade does
-- not replace a higher one that still runs; a person who was erased or whose number was
-- reassigned is over (kinds 10, 6); where a number was once erased or given away (11), only what
-- the receiver herself gave counts.
-- Called behind positions_take, so grants and refusals come here in the order of the ledger.
INSERT INTO standing (programme_id, person_id, grade, position, until, fresh)
SELECT DISTINCT ON (new.p) $1::int, new.p, $3::smallint, new.pos, $5::timestamptz,
    refused.at IS NOT NULL
FROM unnest($2::int[], $4::bigint[], $6::timestamptz[]) AS new (p, pos, at)
LEFT JOIN standing s ON s.programme_id = $1::int AND s.person_id = new.p
LEFT JOIN LATERAL (
    SELECT greatest(max(r.at), (SELECT o.at FROM programme_refusal o
        WHERE o.programme_id = $1::int AND o.person_id = new.p)) AS at FROM refusal r
    WHERE r.person_id = new.p AND r.group_id IN ($7::int, 0) AND r.purposes & $8::smallint <> 0
) refused ON true
WHERE (refused.at IS NULL OR ($3::smallint = 3 AND new.at > refused.at))
    AND (s.grade IS NULL OR s.grade <= $3::smallint OR s.until <= new.at)
    AND NOT EXISTS (SELECT FROM entry e
        WHERE e.person_id = new.p AND e.position < new.pos
            AND (e.kind IN (6, 10) OR (e.kind = 11 AND $3::smallint <> 3)))
ORDER BY new.p, new.pos DESC
ON CONFLICT (programme_id, person_id) DO UPDATE
SET grade = excluded.grade, position = excluded.position, until = excluded.until,
    fresh = excluded.fresh;

-- name: standing_drop
-- Refusals end standing: of each person in the programmes of each group (0: of every group)
-- that serve a purpose refused.
DELETE FROM standing s
USING unnest($1::int[], $2::int[], $3::smallint[]) AS ended (g, p, m), programme, sender
WHERE s.person_id = ended.p AND programme.id = s.programme_id
    AND sender.id = programme.sender_id AND ended.g IN (sender.group_id, 0)
    AND programme.purposes & ended.m <> 0;

-- name: standing_drop_all
-- People who are over: erased, or their number has a new holder.
DELETE FROM standing WHERE person_id = ANY($1::int[]);

-- name: standing_expire
-- The agreed period of somebody ended: in a programme, a group or everywhere (the others 0),
-- of one grant if that is named.
DELETE FROM standing s USING programme, sender
WHERE s.person_id = $1::int AND programme.id = s.programme_id AND sender.id = programme.sender_id
    AND $2::int IN (s.programme_id, 0) AND $3::int IN (sender.group_id, 0)
    AND $4::bigint IN (s.position, 0);

-- name: standing_lift
-- Evidence lifts the grade of the grant it refers to.
UPDATE standing SET grade = greatest(grade, $3::smallint)
WHERE person_id = $1::int AND position = $2::bigint;

-- name: refusals_of_pairs
-- Purposes that some pairs refused already, to the group or to everyone. One who agreed afresh
-- since then is not among them: a refusal by her changes something again.
SELECT pair.g AS group_id, pair.p AS person_id, bit_or(r.purposes) AS purposes
FROM unnest($1::int[], $2::int[]) AS pair (g, p)
JOIN refusal r ON r.group_id IN (pair.g, 0) AND r.person_id = pair.p
WHERE NOT EXISTS (SELECT FROM standing s
    JOIN programme ON programme.id = s.programme_id
    JOIN sender ON sender.id = programme.sender_id
    WHERE s.person_id = pair.p AND s.fresh AND pair.g IN (sender.group_id, 0))
GROUP BY pair.g, pair.p;

-- name: refusals_put
-- Refusals come into force.
INSERT INTO refusal (group_id, person_id, purposes, position, at)
SELECT g, p, m, pos, $5::timestamptz
FROM unnest($1::int[], $2::int[], $3::smallint[], $4::bigint[]) AS new (g, p, m, pos)
ON CONFLICT (group_id, person_id) DO UPDATE
SET purposes = refusal.purposes | excluded.purposes, position = excluded.position,
    at = excluded.at;

-- name: refusal_take_back
-- A person takes a refusal back, later than she made it.
UPDATE refusal SET purposes = purposes & ~$3::smallint
WHERE group_id = $1::int AND person_id = $2::int AND at < $4::timestamptz;

-- name: refusals_drop_empty
-- Refusals of which nothing is left.
DELETE FROM refusal WHERE person_id = ANY($1::int[]) AND purposes = 0;

-- name: pauses_put
-- Pauses come into force.
INSERT INTO pause (group_id, person_id, purposes, position, reply_id)
SELECT g, p, m, pos, r
FROM unnest($1::int[], $2::int[], $3::smallint[], $4::bigint[], $5::bigint[])
    AS new (g, p, m, pos, r);

-- name: pause_end
-- A person has read the reply: its pause ends, others stay.
DELETE FROM pause WHERE position = $1::bigint AND person_id = $2::int;

-- name: open_windows_of_groups
-- Windows in flight of some groups, with whom they hold.
SELECT o.id, o.group_id, w.slots, b.people
FROM open_window o
JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
JOIN batch b ON b.id = o.batch_id
WHERE o.group_id = ANY($1::int[]);

-- name: confirmed_since
-- Who was answered since a time.
SELECT DISTINCT person_id FROM confirmation
WHERE person_id = ANY($1::int[]) AND created_at > $2::timestamptz AND about = 'refused';

-- name: confirmations_ready
-- Confirmations that wait for nothing any more.
SELECT c.id, c.person_id, c.names, c.receipt_code, c.waits, c.groups, c.repeat, c.tried,
    c.about
FROM confirmation c
WHERE c.state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM open_window o WHERE o.id = ANY(c.waits))
ORDER BY c.id LIMIT $1::int;

-- name: confirmations_held
-- Confirmations whose windows are not all closed, with those that are open, page by page.
SELECT c.id, c.person_id, c.names, c.receipt_code, c.waits, c.groups, c.repeat, c.tried,
    c.about, ARRAY(SELECT o.id FROM open_window o WHERE o.id = ANY(c.waits)) AS open
FROM confirmation c WHERE c.state = 'waiting' AND c.id > $1::bigint ORDER BY c.id LIMIT $2::int;

-- name: window_pair_results
-- What is stored of a window: for telling whether one person's attempt is answered.
SELECT w.slots, b.people, b.segments AS counts, r.positions, r.segments, r.statuses
FROM open_window o
JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
JOIN batch b ON b.id = o.batch_id
LEFT JOIN window_result r ON r.batch_id = o.batch_id AND r.window_id = o.id
WHERE o.id = $1::bigint;

-- name: confirmations_hold
-- Hold those of some confirmations that still wait, with the windows they wait for.
SELECT id, waits FROM confirmation WHERE id = ANY($1::bigint[]) AND state = 'waiting'
ORDER BY id FOR UPDATE;

-- name: confirmations_of_people
-- Confirmations of refusals to some people, held for this transaction so that none is sent meanwhile.
SELECT id, person_id, groups, state, position FROM confirmation
WHERE person_id = ANY($1::int[]) AND about = 'refused' ORDER BY id FOR UPDATE;

-- name: confirmations_wait
-- Confirmations wait for more windows: the rest of long messages that were begun.
UPDATE confirmation c SET waits = c.waits || ARRAY(
    SELECT w FROM unnest($1::int[], $2::int[], $3::bigint[]) AS more (g, p, w)
    WHERE p = c.person_id AND (g = ANY(c.groups) OR 0 = ANY(c.groups)))
WHERE c.state = 'waiting' AND c.about = 'refused' AND c.person_id = ANY($2::int[]);

-- name: confirmation_attempted
-- A confirmation is on its way.
UPDATE confirmation SET state = 'attempted', message_id = $2::bigint,
    attempted_at = $3::timestamptz
WHERE id = $1::bigint AND state = 'waiting';

-- name: confirmation_unroutable
-- There is no way to send a confirmation; it is counted and shown.
UPDATE confirmation SET state = 'unroutable' WHERE id = $1::bigint AND state = 'waiting';

-- name: wording_put
-- The id of a version of a programme's wording.
INSERT INTO wording (programme_id, version) VALUES ($1::int, $2::text)
ON CONFLICT (programme_id, version) DO UPDATE SET version = excluded.version RETURNING id;

-- name: programmes_of_people
-- Programmes that people stand in.
SELECT person_id, programme_id FROM standing WHERE person_id = ANY($1::int[]);
