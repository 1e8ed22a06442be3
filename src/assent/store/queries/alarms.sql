-- Alarms: raised, decided, ended, shown.

-- name: alarm_raise
-- Keep an alarm, or note that one that goes on was seen again: the gravest sight stays. A sight of
-- the same hour is the same sight. $1 detector, $2 key, $3 severity, $4 sender, $5 account, $6 port,
-- $7 accounts, $8 evidence, $9 score, $10 at.
WITH before AS (
    SELECT severity FROM alarm
    WHERE detector = $1::text AND key = $2::text AND state IN ('open', 'case')
)
INSERT INTO alarm AS a (detector, key, severity, sender_id, account_id, port_id, accounts, evidence,
    score, state, first_at, last_at)
VALUES ($1::text, $2::text, $3::smallint, $4::int, $5::int, $6::int, $7::int[], $8::text::jsonb,
    $9::real, 'open', $10::timestamptz, $10::timestamptz)
ON CONFLICT (detector, key) WHERE state IN ('open', 'case') DO UPDATE SET
    severity = greatest(a.severity, excluded.severity),
    score = greatest(a.score, excluded.score),
    evidence = CASE WHEN (excluded.severity, excluded.score) > (a.severity, a.score)
        THEN excluded.evidence ELSE a.evidence END,
    accounts = ARRAY(SELECT DISTINCT n FROM unnest(a.accounts || excluded.accounts) AS n ORDER BY n),
    times = a.times + (date_trunc('hour', excluded.last_at) > date_trunc('hour', a.last_at))::int,
    last_at = greatest(a.last_at, excluded.last_at)
RETURNING id, severity, state, times, xmax = 0 AS fresh,
    coalesce(severity > (SELECT severity FROM before), false) AS graver;

-- name: alarm_entity
-- The entity of a sender.
SELECT entity_id FROM sender WHERE id = $1::int;

-- name: alarm_accounts
-- Names of some accounts.
SELECT name FROM account WHERE id = ANY($1::int[]) ORDER BY id;

-- name: alarm_last_decided
-- The last time that staff were done with an alarm like this.
SELECT severity, score, decided_at, label FROM alarm
WHERE detector = $1::text AND key = $2::text AND state IN ('dismissed', 'ended')
    AND decided_at IS NOT NULL
ORDER BY id DESC LIMIT 1;

-- name: alarm_hold
-- An alarm, held until the transaction ends.
SELECT * FROM alarm WHERE id = $1::bigint FOR UPDATE;

-- name: alarm_get
-- An alarm with the names of whom it is about.
SELECT m.*, s.credit_code, s.legal_name, a.name AS account, p.number AS port, p.carrier
FROM alarm m LEFT JOIN sender s ON s.id = m.sender_id LEFT JOIN account a ON a.id = m.account_id
    LEFT JOIN port p ON p.id = m.port_id
WHERE m.id = $1::bigint;

-- name: alarms_shown
-- Alarms before one, newest first. $1 state or NULL, $2 detector or NULL, $3 least severity,
-- $4 sender's code or NULL, $5 account's name or NULL, $6 before, $7 at most.
SELECT m.*, s.credit_code, s.legal_name, a.name AS account, p.number AS port, p.carrier
FROM alarm m LEFT JOIN sender s ON s.id = m.sender_id LEFT JOIN account a ON a.id = m.account_id
    LEFT JOIN port p ON p.id = m.port_id
WHERE ($1::text IS NULL OR m.state = $1::text) AND ($2::text IS NULL OR m.detector = $2::text)
    AND m.severity >= $3::smallint AND ($4::text IS NULL OR s.credit_code = $4::text)
    AND ($5::text IS NULL OR a.name = $5::text
        OR (SELECT o.id FROM account o WHERE o.name = $5::text) = ANY (m.accounts))
    AND m.id < $6::bigint
ORDER BY m.id DESC LIMIT $7::int;

-- name: alarms_similar
-- Earlier alarms of a detector about the same sender or account, or another of their entities,
-- newest first. $1 detector, $2 before, $3 sender, $4 account, $5 at most.
WITH who AS (
    SELECT entity_id FROM sender WHERE id = $3::int AND entity_id IS NOT NULL
    UNION SELECT entity_id FROM account WHERE id = $4::int AND entity_id IS NOT NULL
)
SELECT m.id, m.severity, m.score, m.state, m.label, m.why, m.first_at, m.last_at, m.times,
    m.decided_at, s.credit_code, a.name AS account
FROM alarm m LEFT JOIN sender s ON s.id = m.sender_id LEFT JOIN account a ON a.id = m.account_id
WHERE m.detector = $1::text AND m.id < $2::bigint AND (m.sender_id = $3::int
    OR m.account_id = $4::int OR s.entity_id IN (SELECT entity_id FROM who)
    OR a.entity_id IN (SELECT entity_id FROM who))
ORDER BY m.id DESC LIMIT $5::int;

-- name: alarm_dismiss
-- It was none.
UPDATE alarm SET state = 'dismissed', label = $2::text, why = $3::text,
    decided_at = $4::timestamptz, key_id = $5::int, actor_id = $6::int
WHERE id = $1::bigint;

-- name: alarm_confirm
-- It was right; it goes on.
UPDATE alarm SET label = 'right', why = $2::text, decided_at = $3::timestamptz, key_id = $4::int,
    actor_id = $5::int
WHERE id = $1::bigint;

-- name: alarm_take_up
-- A case is about it. No row where it is over.
UPDATE alarm SET state = 'case' WHERE id = $1::bigint AND state IN ('open', 'case') RETURNING id;

-- name: alarm_close
-- It is over: its case was closed.
UPDATE alarm SET state = 'ended', decided_at = $3::timestamptz,
    label = CASE WHEN $2::text = '' THEN label ELSE $2::text END
WHERE id = $1::bigint AND state IN ('open', 'case') RETURNING id;

-- name: alarms_quiet
-- What was not seen for so long is over by itself; cases end otherwise.
UPDATE alarm SET state = 'ended' WHERE state = 'open' AND last_at < $1::timestamptz RETURNING id;

-- name: alarm_figures
-- How often each detector was right, as staff said, of alarms raised from one time to another.
SELECT detector, severity, count(*)::int AS raised,
    (count(*) FILTER (WHERE label = 'right'))::int AS confirmed,
    (count(*) FILTER (WHERE label = 'wrong'))::int AS dismissed,
    (count(*) FILTER (WHERE label = '' AND state IN ('open', 'case')))::int AS waiting
FROM alarm WHERE first_at >= $1::timestamptz AND first_at < $2::timestamptz
GROUP BY detector, severity ORDER BY detector, severity;
