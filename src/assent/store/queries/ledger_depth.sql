-- Settings in the ledger, rollbacks, and the auditor's look at standing.

-- name: settings_lock
-- Be the one who writes settings down, until this transaction ends.
SELECT pg_advisory_xact_lock(4712, 4);

-- name: settings_last
-- The digest in force of each document.
SELECT DISTINCT ON (what) what, digest FROM setting ORDER BY what, position DESC;

-- name: setting_put
-- A document is in force from its entry on.
INSERT INTO setting (position, what, digest, document, at)
VALUES ($1::bigint, $2::text, $3::bytea, $4::bytea, $5::timestamptz);

-- name: settings_between
-- Documents in force at some time between two: what came up to the second and did not end before
-- the first.
SELECT position, what, digest, document, at, body FROM (
    SELECT s.*, e.body, lead(s.at) OVER (PARTITION BY s.what ORDER BY s.position) AS ended
    FROM setting s JOIN entry e ON e.position = s.position
) one
WHERE at < $2::timestamptz AND (ended IS NULL OR ended >= $1::timestamptz)
    AND position <= $3::bigint
ORDER BY position LIMIT $4::int;

-- name: settings_all
-- Documents with the entries that name them, up to a position.
SELECT s.position, s.what, s.digest, s.document, e.body
FROM setting s LEFT JOIN entry e ON e.position = s.position
WHERE s.position <= $1::bigint ORDER BY s.position;

-- name: recovery_hold
-- Be the one who looks at recoveries, until this transaction ends.
SELECT pg_advisory_xact_lock(4712, 5);

-- name: recovery_known
-- Whether something that was seen has been answered already: a recovery is open, or staff ended one
-- of the same source that tells of as much ($2), after it was seen ($3; none: of any time).
SELECT EXISTS (SELECT FROM ledger_recovery
    WHERE ended_at IS NULL
        OR (source = $1::text AND seen >= $2::bigint
            AND ($3::timestamptz IS NULL OR ended_at >= $3::timestamptz)));

-- name: recovery_open
-- Whether marketing is switched off because the ledger is not the one that was.
SELECT EXISTS (SELECT FROM ledger_recovery WHERE ended_at IS NULL);

-- name: recovery_put
-- The ledger is not what somebody saw; marketing is switched off ($5: that switch).
INSERT INTO ledger_recovery (source, code, seen, size, stop_id, noticed_at)
VALUES ($1::text, $2::text, $3::bigint, $4::bigint, $5::int, $6::timestamptz);

-- name: recoveries
-- What was noticed and what became of it, newest first.
SELECT id, source, code, seen, size, noticed_at, recovered, recovered_at, ended_at, stop_id
FROM ledger_recovery ORDER BY id DESC LIMIT 100;

-- name: recovery_counted
-- Refusals were brought back.
UPDATE ledger_recovery SET recovered = recovered + $1::int, recovered_at = $2::timestamptz
WHERE ended_at IS NULL;

-- name: recovery_end
-- Staff say that nothing is missing any more.
UPDATE ledger_recovery SET ended_at = $1::timestamptz WHERE ended_at IS NULL
RETURNING id, stop_id, source, code, seen, size, recovered;

-- name: recovery_end_of
-- What was held for a reason that went by itself.
UPDATE ledger_recovery SET ended_at = $2::timestamptz WHERE ended_at IS NULL AND code = $1::text
RETURNING stop_id;

-- name: entries_of_people
-- What the ledger has of some people, in order.
SELECT position, person_id, body FROM entry WHERE person_id = ANY($1::int[]) ORDER BY position;

-- name: groups_by_codes
-- The group of each sender by its credit code.
SELECT credit_code, group_id FROM sender WHERE credit_code = ANY($1::text[]);

-- name: programmes_known
-- Those of some programmes that there are.
SELECT id FROM programme WHERE id = ANY($1::int[]);

-- name: entries_behind_person
-- Entries of the people after one, person by person, each one's in order.
SELECT person_id, position, body FROM entry
WHERE person_id > $1::int ORDER BY person_id, position LIMIT $2::int;

-- name: standing_between
-- Who stands, of the people after one, up to another.
SELECT programme_id, person_id, grade, position, fresh,
    coalesce(floor(extract(epoch FROM until))::bigint, 0) AS expires
FROM standing WHERE person_id > $1::int AND person_id <= $2::int;

-- name: refusal_between
-- Refusals in force of the people after one, up to another.
SELECT group_id, person_id, purposes, position FROM refusal
WHERE person_id > $1::int AND person_id <= $2::int;

-- name: pause_between
-- Pauses in force of the people after one, up to another.
SELECT group_id, person_id, bit_or(purposes) AS purposes, max(position) AS position FROM pause
WHERE person_id > $1::int AND person_id <= $2::int GROUP BY group_id, person_id;

-- name: programme_refusal_between
-- Programmes refused by themselves, of the people after one, up to another.
SELECT programme_id, person_id, position FROM programme_refusal
WHERE person_id > $1::int AND person_id <= $2::int;

-- name: ledger_key_change
-- The log has another name and key from now on.
UPDATE ledger_key SET origin = $1::text, sealed = $2::bytea, made_at = $3::timestamptz;

-- name: witnesses_forget
-- What witnesses saw of a log under an earlier name.
DELETE FROM ledger_witness;
