-- Early warning: what is counted beside rollup_hour, and what detectors read.

-- name: warning_orders
-- Some judged orders.
SELECT id, account_id, sender_id, purpose, n, reasons, at FROM submission
WHERE id = ANY($1::bigint[]) AND purpose <> 5 ORDER BY id;

-- name: warning_batches
-- The batches of some orders.
SELECT b.id, b.submission_id, b.account_id, b.sender_id, b.group_id, b.port_id, b.template_id,
    b.purpose, b.n, b.people, b.rows, b.variables, b.accepted_at, t.body
FROM batch b LEFT JOIN template t ON t.id = b.template_id
WHERE b.submission_id = ANY($1::bigint[]) AND b.purpose <> 5 ORDER BY b.id;

-- name: warning_codes
-- Codes of batches from one id to another, the latest first, at most so many.
SELECT b.people, b.group_id, b.sender_id, b.account_id, b.accepted_at FROM batch b
WHERE b.id >= $1::bigint AND b.id < $2::bigint AND b.purpose = 1 ORDER BY b.id DESC LIMIT $3::int;

-- name: warning_sketches
-- Whom some senders wrote to.
SELECT sender_id, registers FROM warning_sketch WHERE sender_id = ANY($1::int[]);

-- name: warning_sketch_put
-- Keep whom a sender wrote to.
INSERT INTO warning_sketch (sender_id, registers) VALUES ($1::int, $2::bytea)
ON CONFLICT (sender_id) DO UPDATE SET registers = excluded.registers;

-- name: warning_add
-- Add to the facts of an hour.
INSERT INTO warning_hour AS w (hour, sender_id, account_id, port_id, purpose, ordered, nowhere,
    barred, capped, written, strangers, looked, beside, again, bulk, pressed, completed, valued,
    carrying)
VALUES ($1::timestamptz, $2::int, $3::int, $4::int, $5::smallint, $6::bigint, $7::bigint,
    $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint, $13::bigint, $14::bigint,
    $15::bigint, $16::bigint, $17::bigint, $18::bigint, $19::bigint)
ON CONFLICT (hour, sender_id, account_id, port_id, purpose) DO UPDATE SET
    ordered = w.ordered + excluded.ordered, nowhere = w.nowhere + excluded.nowhere,
    barred = w.barred + excluded.barred, capped = w.capped + excluded.capped,
    written = w.written + excluded.written, strangers = w.strangers + excluded.strangers,
    looked = w.looked + excluded.looked, beside = w.beside + excluded.beside,
    again = w.again + excluded.again, bulk = w.bulk + excluded.bulk,
    pressed = w.pressed + excluded.pressed, completed = w.completed + excluded.completed,
    valued = w.valued + excluded.valued, carrying = w.carrying + excluded.carrying;

-- name: warning_forget
-- Facts that nothing is compared with any more.
DELETE FROM warning_hour WHERE hour < $1::timestamptz;

-- name: warning_forget_codes
-- Codes that were used long ago.
DELETE FROM code_completed WHERE at < $1::timestamptz;

-- name: warning_counts
-- Counts from one hour to another, by hours of $3 (1, or 24 for days of a zone $4 hours east).
SELECT (floor((extract(epoch FROM hour) / 3600 + $4::int) / $3::int) * $3::int - $4::int)::bigint
        AS hour,
    sender_id, account_id, port_id, purpose, category, sum(submitted)::bigint AS submitted,
    sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
    sum(refused)::bigint AS refused
FROM rollup_hour WHERE hour >= $1::timestamptz AND hour < $2::timestamptz AND purpose <> 5
GROUP BY 1, 2, 3, 4, 5, 6;

-- name: warning_facts
-- Facts beside them, likewise.
SELECT (floor((extract(epoch FROM hour) / 3600 + $4::int) / $3::int) * $3::int - $4::int)::bigint
        AS hour,
    sender_id, account_id, port_id, purpose, sum(ordered)::bigint AS ordered,
    sum(nowhere)::bigint AS nowhere, sum(barred)::bigint AS barred, sum(capped)::bigint AS capped,
    sum(written)::bigint AS written, sum(strangers)::bigint AS strangers,
    sum(looked)::bigint AS looked, sum(beside)::bigint AS beside, sum(again)::bigint AS again,
    sum(bulk)::bigint AS bulk, sum(pressed)::bigint AS pressed,
    sum(completed)::bigint AS completed, sum(valued)::bigint AS valued,
    sum(carrying)::bigint AS carrying
FROM warning_hour WHERE hour >= $1::timestamptz AND hour < $2::timestamptz
GROUP BY 1, 2, 3, 4, 5;

-- name: warning_replies
-- Replies likewise, to the sender whose port they came to and, of several, the first.
SELECT (floor((extract(epoch FROM r.at) / 3600 + $4::int) / $3::int) * $3::int - $4::int)::bigint
        AS hour,
    p.sender_id, a.account_id, p.id AS port_id, p.purpose, count(*)::bigint AS replied
FROM reply r
    JOIN LATERAL (SELECT id, sender_id, purpose FROM port WHERE number = r.destination
        AND sender_id IS NOT NULL ORDER BY (carrier = r.carrier) DESC, id LIMIT 1) p ON true
    JOIN LATERAL (SELECT min(account_id) AS account_id FROM account_sender s
        WHERE s.sender_id = p.sender_id) a ON a.account_id IS NOT NULL
WHERE r.at >= $1::timestamptz AND r.at < $2::timestamptz
GROUP BY 1, 2, 3, 4, 5;

-- name: warning_empty
-- Failures likewise that say that a number is nobody's ($5), by the sender of the port.
SELECT (floor((extract(epoch FROM f.hour) / 3600 + $4::int) / $3::int) * $3::int - $4::int)::bigint
        AS hour,
    p.sender_id, a.account_id, p.id AS port_id, p.purpose, sum(f.n)::bigint AS empty
FROM rollup_failure f JOIN port p ON p.id = f.port_id AND p.sender_id IS NOT NULL
    JOIN LATERAL (SELECT min(account_id) AS account_id FROM account_sender s
        WHERE s.sender_id = p.sender_id) a ON a.account_id IS NOT NULL
WHERE f.hour >= $1::timestamptz AND f.hour < $2::timestamptz AND f.code = ANY($5::bigint[])
GROUP BY 1, 2, 3, 4, 5;

-- name: warning_parties
-- Industries of senders.
SELECT id, industry FROM sender;

-- name: warning_ports
-- Whose ports are, and since when they are there.
SELECT id, sender_id, floor(extract(epoch FROM created_at) / 3600)::bigint AS born FROM port
WHERE sender_id IS NOT NULL;

-- name: warning_since
-- The first hour that is counted.
SELECT floor(extract(epoch FROM min(hour)) / 3600)::bigint FROM rollup_hour;

-- name: warning_forged
-- Imports whose people deny them, with what the people said who were asked.
SELECT c.id, c.import_id, c.account_id, c.sender_id, i.accepted,
    (count(a.id) FILTER (WHERE a.state = 'never'))::int AS never,
    (count(a.id) FILTER (WHERE a.state = 'yes'))::int AS yes,
    (count(a.id) FILTER (WHERE a.state IN ('refused', 'unclear', 'silent')))::int AS others
FROM consent_case c JOIN consent_import i ON i.id = c.import_id
    LEFT JOIN consent_audit a ON a.import_id = c.import_id
WHERE c.state = 'open' AND c.kind = 'forged_consent' AND c.opened_at >= $1::timestamptz
GROUP BY c.id, i.accepted ORDER BY c.id;

-- name: warning_audits
-- What people answered lately who were asked about an account's imports for a sender.
SELECT i.account_id, p.sender_id, (count(*) FILTER (WHERE a.state = 'never'))::int AS never,
    (count(*) FILTER (WHERE a.state = 'yes'))::int AS yes, max(a.import_id) AS import_id
FROM consent_audit a JOIN consent_import i ON i.id = a.import_id
    JOIN programme p ON p.id = i.programme_id
WHERE a.answered_at >= $1::timestamptz AND a.state IN ('never', 'yes')
GROUP BY 1, 2 HAVING bool_or(a.state = 'never');

-- name: warning_groups
-- Groups that act together and that nobody called lawful, seen since a time, with their accounts.
SELECT g.id, g.state, g.parties, g.copies, g.reasons, g.last_at,
    array_agg(DISTINCT m.account_id) AS accounts
FROM order_group g JOIN order_group_member m ON m.group_id = g.id
WHERE g.state <> 'lawful' AND g.last_at >= $1::timestamptz GROUP BY g.id ORDER BY g.id;

-- name: warning_newcomers
-- Entities that came since a time and whose account or sender ordered since another, at most so many.
SELECT e.id AS entity_id, min(s.sender_id) AS sender_id, min(s.account_id) AS account_id
FROM (SELECT DISTINCT account_id, sender_id FROM submission
        WHERE id >= $3::bigint AND at >= $2::timestamptz) s
    JOIN account a ON a.id = s.account_id JOIN sender d ON d.id = s.sender_id
    JOIN entity e ON e.id IN (a.entity_id, d.entity_id)
WHERE e.created_at >= $1::timestamptz AND a.kind <> 'operator'
GROUP BY e.id ORDER BY e.id LIMIT $4::int;

-- name: code_batches
-- Whose codes some batches are, and when they were accepted.
SELECT id, account_id, sender_id, port_id, n, accepted_at FROM batch
WHERE id = ANY($1::bigint[]) AND purpose = 1;

-- name: code_completed_put
-- Codes were used; those that are told for the first time.
INSERT INTO code_completed (message_id, account_id, at)
SELECT m, $2::int, $3::timestamptz FROM unnest($1::bigint[]) AS m ORDER BY m
ON CONFLICT DO NOTHING RETURNING message_id;
