-- Cases: what is done about senders, accounts and ports, and requests of authorities for records.

-- name: case_open
-- Open a case; nothing where an open one is about the same.
INSERT INTO case_file (kind, opened_by, title, sender_id, account_id, port_id, entity_id, severity,
    step, state, owner_id, opened_at, due_at, start, ladder)
VALUES ($1::text, $2::text, $3::text, $4::int, $5::int, $6::int, $7::int, $8::smallint, '', 'open',
    $9::int, $10::timestamptz, $11::timestamptz, $12::text, $13::text)
ON CONFLICT (sender_id, account_id, port_id) WHERE kind = 'enforcement' AND state = 'open'
DO NOTHING RETURNING id;

-- name: case_get
-- A case with whom it is about.
SELECT c.*, s.credit_code, s.legal_name, s.group_id, a.name AS account, p.number AS port,
    p.carrier, e.credit_code AS entity_code, e.legal_name AS entity_name, e.kind AS entity_kind,
    o.name AS owner
FROM case_file c LEFT JOIN sender s ON s.id = c.sender_id LEFT JOIN account a ON a.id = c.account_id
    LEFT JOIN port p ON p.id = c.port_id LEFT JOIN entity e ON e.id = c.entity_id
    LEFT JOIN actor o ON o.id = c.owner_id
WHERE c.id = $1::bigint;

-- name: case_hold
-- Hold a case until the transaction ends; return its id.
SELECT id FROM case_file WHERE id = $1::bigint FOR UPDATE;

-- name: cases_list
-- Cases below a number, newest first: of a kind, a state, one owner's, only those that are late.
SELECT c.*, s.credit_code, s.legal_name, s.group_id, a.name AS account, p.number AS port,
    p.carrier, e.credit_code AS entity_code, e.legal_name AS entity_name, e.kind AS entity_kind,
    o.name AS owner
FROM case_file c LEFT JOIN sender s ON s.id = c.sender_id LEFT JOIN account a ON a.id = c.account_id
    LEFT JOIN port p ON p.id = c.port_id LEFT JOIN entity e ON e.id = c.entity_id
    LEFT JOIN actor o ON o.id = c.owner_id
WHERE c.id < $1::bigint AND ($2::text IS NULL OR c.kind = $2::text)
    AND ($3::text IS NULL OR c.state = $3::text) AND ($4::int IS NULL OR c.owner_id = $4::int)
    AND ($5::timestamptz IS NULL OR (c.state = 'open' AND c.due_at < $5::timestamptz))
ORDER BY c.id DESC LIMIT $6::int;

-- name: cases_of_account
-- Cases that a customer was told of, below a number, newest first: those about its account and those
-- about a sender that it sends for as itself.
SELECT c.*, s.credit_code, s.legal_name, s.group_id, a.name AS account, p.number AS port,
    p.carrier, e.credit_code AS entity_code, e.legal_name AS entity_name, e.kind AS entity_kind,
    NULL AS owner
FROM case_file c LEFT JOIN sender s ON s.id = c.sender_id LEFT JOIN account a ON a.id = c.account_id
    LEFT JOIN port p ON p.id = c.port_id LEFT JOIN entity e ON e.id = c.entity_id
WHERE c.kind = 'enforcement' AND c.account_id = $1::int AND c.id < $2::bigint
    AND EXISTS (SELECT FROM case_step t WHERE t.case_id = c.id AND t.state = 'done'
        AND t.action = ANY ($3::text[]))
ORDER BY c.id DESC LIMIT $4::int;

-- name: case_about
-- The open case about a port of a sender, or about a sender or, without one, an account; held.
SELECT id FROM case_file WHERE kind = 'enforcement' AND state = 'open'
    AND port_id IS NOT DISTINCT FROM $3::int
    AND (($1::int IS NOT NULL AND sender_id = $1::int)
        OR ($1::int IS NULL AND sender_id IS NULL AND account_id = $2::int))
ORDER BY id LIMIT 1 FOR UPDATE;

-- name: case_set
-- Where a case stands.
UPDATE case_file SET step = $2::text, state = $3::text, severity = $4::smallint, owner_id = $5::int,
    due_at = $6::timestamptz, closed_at = $7::timestamptz
WHERE id = $1::bigint;

-- name: case_step_insert
-- What happened in a case.
INSERT INTO case_step (case_id, action, state, of_step, rule, details, until, at, key_id, actor_id,
    account_id)
VALUES ($1::bigint, $2::text, $3::text, $4::bigint, $5::text, $6::text::jsonb, $7::timestamptz,
    $8::timestamptz, $9::int, $10::int, $11::int)
RETURNING id;

-- name: case_word_insert
-- What was written in a step.
INSERT INTO case_word (step_id, sealed) VALUES ($1::bigint, $2::bytea);

-- name: case_steps
-- Everything that happened in a case, in order.
SELECT t.*, w.sealed, a.name AS actor, c.kind AS account_kind
FROM case_step t LEFT JOIN case_word w ON w.step_id = t.id LEFT JOIN actor a ON a.id = t.actor_id
    LEFT JOIN account c ON c.id = t.account_id
WHERE t.case_id = $1::bigint ORDER BY t.id;

-- name: case_evidence_put
-- What a case rests on.
INSERT INTO case_evidence (case_id, kind, ref, at)
SELECT $1::bigint, k, r, $4::timestamptz FROM unnest($2::text[], $3::bigint[]) AS new (k, r)
ON CONFLICT DO NOTHING;

-- name: case_evidence_of
-- What a case rests on.
SELECT kind, ref, at FROM case_evidence WHERE case_id = $1::bigint ORDER BY at, kind, ref LIMIT 1000;

-- name: case_evidence_known
-- Whether a thing that a case is to rest on exists.
SELECT CASE $1::text
    WHEN 'alarm' THEN EXISTS (SELECT FROM alarm WHERE id = $2::bigint)
    WHEN 'complaint' THEN EXISTS (SELECT FROM complaint WHERE id = $2::bigint)
    WHEN 'message' THEN EXISTS (SELECT FROM batch WHERE id = $2::bigint / 1024)
    WHEN 'campaign' THEN EXISTS (SELECT FROM campaign WHERE id = $2::bigint)
    WHEN 'submission' THEN EXISTS (SELECT FROM submission WHERE id = $2::bigint)
    WHEN 'consent_case' THEN EXISTS (SELECT FROM consent_case WHERE id = $2::bigint)
    WHEN 'text_review' THEN EXISTS (SELECT FROM text_review WHERE id = $2::bigint)
    WHEN 'page' THEN EXISTS (SELECT FROM page WHERE id = $2::bigint)
    WHEN 'order_group' THEN EXISTS (SELECT FROM order_group WHERE id = $2::bigint)
    WHEN 'document' THEN EXISTS (SELECT FROM document WHERE id = $2::bigint)
    WHEN 'entity' THEN EXISTS (SELECT FROM entity WHERE id = $2::bigint)
    WHEN 'account' THEN EXISTS (SELECT FROM account WHERE id = $2::bigint)
    ELSE false END;

-- name: case_sender
-- A sender with the account that sends for it as itself, else the only one that does.
SELECT s.id, s.entity_id, s.group_id, s.status, s.legal_name, coalesce(
    (SELECT a.id FROM account_sender m JOIN account a ON a.id = m.account_id
        WHERE m.sender_id = s.id AND a.entity_id = s.entity_id ORDER BY a.id LIMIT 1),
    (SELECT min(m.account_id) FROM account_sender m WHERE m.sender_id = s.id)) AS account_id
FROM sender s WHERE s.credit_code = $1::text OR s.id = $2::int;

-- name: case_account
-- An account by its name or id.
SELECT id, name, kind, status, entity_id FROM account WHERE name = $1::text OR id = $2::int;

-- name: case_owner
-- Whether a person belongs to the operator's staff.
SELECT EXISTS (SELECT FROM actor_role r JOIN account a ON a.id = r.account_id
    WHERE r.actor_id = $1::int AND a.kind = 'operator');

-- name: case_ports
-- Ports with some numbers that senders of a case have: a sender's or, without one, those of the
-- senders that an account acts for; held until the transaction ends.
SELECT p.* FROM port p
WHERE p.number = ANY ($1::text[]) AND p.sender_id IS NOT NULL AND p.status <> 'recycled'
    AND (p.sender_id = $2::int OR ($2::int IS NULL AND EXISTS (SELECT FROM account_sender m
        WHERE m.account_id = $3::int AND m.sender_id = p.sender_id)))
ORDER BY p.id FOR NO KEY UPDATE;

-- name: case_ports_by_id
-- Ports, held until the transaction ends.
SELECT * FROM port WHERE id = ANY ($1::int[]) ORDER BY id FOR NO KEY UPDATE;

-- name: case_port_taken
-- Whether a number that was recycled is somebody's again, on a carrier.
SELECT EXISTS (SELECT FROM port WHERE number = $1::text AND carrier = $2::text
    AND id <> $3::int AND status <> 'recycled');

-- name: case_port_suspension
-- The last suspension of a port by a case, and whether it is over.
SELECT t.details, EXISTS (SELECT FROM case_step u WHERE u.of_step = t.id
    AND (u.state = 'reversed' OR (u.action = 'lift' AND u.state = 'done'))) AS over
FROM case_step t WHERE t.action = 'suspend' AND t.state = 'done'
    AND t.details -> 'ports' @> jsonb_build_array(jsonb_build_object('id', $1::int))
ORDER BY t.id DESC LIMIT 1;

-- name: case_sender_status
-- Suspend a sender, or put it back; return how it stood.
UPDATE sender s SET status = $2::text FROM (SELECT id, status FROM sender WHERE id = $1::int
    FOR NO KEY UPDATE) AS old WHERE s.id = old.id RETURNING old.status;

-- name: case_account_status
-- Suspend an account, or put it back; return how it stood.
UPDATE account a SET status = $2::text FROM (SELECT id, status FROM account WHERE id = $1::int
    FOR NO KEY UPDATE) AS old WHERE a.id = old.id RETURNING old.status;

-- name: case_suspensions
-- Suspensions of a sender ('sender') or account ('account') that other cases hold in force.
SELECT t.id, t.case_id, t.details FROM case_step t
WHERE t.action = 'suspend' AND t.state = 'done' AND t.case_id <> $3::bigint
    AND t.details ->> 'what' = $1::text AND (t.details ->> 'id')::int = $2::int
    AND NOT EXISTS (SELECT FROM case_step u WHERE u.of_step = t.id
        AND (u.state = 'reversed' OR (u.action = 'lift' AND u.state = 'done')))
ORDER BY t.id;

-- name: cases_due
-- Open cases whose next date has come.
SELECT id FROM case_file WHERE state = 'open' AND due_at <= $1::timestamptz
ORDER BY due_at, id LIMIT $2::int;

-- name: case_alarms
-- Alarms that nobody looked at yet, gravest first.
SELECT id, detector, key, severity, sender_id, account_id, port_id, accounts FROM alarm
WHERE state = 'open' ORDER BY severity DESC, id LIMIT $1::int;

-- name: case_alarms_again
-- Open cases with an alarm that was seen again an hour or more after a person let its sender go on,
-- and no restriction that is in force or proposed since.
SELECT DISTINCT c.id AS case_id FROM alarm m
    JOIN case_evidence e ON e.kind = 'alarm' AND e.ref = m.id
    JOIN case_file c ON c.id = e.case_id AND c.state = 'open'
WHERE m.state = 'case' AND m.last_at >= (SELECT max(t.at) FROM case_step t
        WHERE t.case_id = c.id AND (t.action = 'lift' OR t.state IN ('declined', 'reversed')))
        + interval '1 hour'
    AND NOT EXISTS (SELECT FROM case_step t WHERE t.case_id = c.id AND t.action = 'restrict'
        AND t.state IN ('done', 'proposed') AND NOT EXISTS (SELECT FROM case_step u
            WHERE u.of_step = t.id AND (u.action = 'lift' OR u.state IN ('done', 'declined',
                'reversed'))))
ORDER BY c.id LIMIT $1::int;

-- name: case_complaints
-- Senders of whom people complained since a time and for which no open case is, with how many
-- people did (those whose number was not told count one each), and what was sent meanwhile.
SELECT c.sender_id,
    count(DISTINCT coalesce(c.person_id::text, 'c' || c.id)) AS people,
    (array_agg(c.id ORDER BY c.id DESC))[1:100] AS complaints,
    (SELECT coalesce(sum(r.submitted), 0) FROM rollup_hour r
        WHERE r.sender_id = c.sender_id AND r.hour >= $1::timestamptz) AS submitted
FROM complaint c
WHERE c.sender_id IS NOT NULL AND c.complained_at >= $1::timestamptz AND c.state <> 'not_ours'
    AND NOT EXISTS (SELECT FROM case_evidence e WHERE e.kind = 'complaint' AND e.ref = c.id)
GROUP BY c.sender_id HAVING count(*) >= $2::int
ORDER BY c.sender_id LIMIT $3::int;

-- name: case_related
-- Other cases that somebody may belong to: of the same sender, account or entity; of entities that
-- share a node of some kinds ($5) which at most $6 entities have; of members of one group of orders
-- that is not called lawful; of accounts that used the same family of texts, refused or not.
WITH near AS (
    SELECT c.id, 'same' AS over FROM case_file c
    WHERE c.sender_id = $2::int OR c.entity_id = $4::int
        OR (c.sender_id IS NULL AND c.account_id = $3::int)
    UNION
    SELECT c.id, n.kind FROM graph_edge e JOIN graph_node n ON n.id = e.node_id
        JOIN graph_edge o ON o.node_id = n.id AND o.entity_id <> e.entity_id
        JOIN case_file c ON c.entity_id = o.entity_id
    WHERE e.entity_id = $4::int AND n.kind = ANY ($5::text[])
        AND (SELECT count(*) FROM (SELECT DISTINCT x.entity_id FROM graph_edge x
            WHERE x.node_id = n.id LIMIT $6::int + 1) AS few) <= $6::int
    UNION
    SELECT c.id, 'group' FROM order_group_member m JOIN order_group g ON g.id = m.group_id
        JOIN order_group_member o ON o.group_id = g.id AND o.account_id <> m.account_id
        JOIN case_file c ON c.account_id = o.account_id
    WHERE m.account_id = $3::int AND g.state <> 'lawful'
    UNION
    SELECT c.id, CASE WHEN coalesce(p.refused_at, q.refused_at) IS NULL THEN 'text'
        ELSE 'refused_text' END
    FROM text_use u JOIN text_print p ON p.id = u.print_id
        JOIN text_print q ON q.family = p.family JOIN text_use o ON o.print_id = q.id
        JOIN case_file c ON c.account_id = o.account_id AND c.sender_id = o.sender_id
    WHERE u.account_id = $3::int AND o.account_id <> u.account_id
        AND (SELECT count(*) FROM (SELECT DISTINCT x.account_id FROM text_use x
            JOIN text_print f ON f.id = x.print_id WHERE f.family = p.family
            LIMIT $6::int + 1) AS few) <= $6::int
)
SELECT c.id, c.step, c.state, c.title, c.opened_at, c.severity, s.credit_code, s.legal_name,
    a.name AS account, array_agg(DISTINCT n.over ORDER BY n.over) AS over,
    (SELECT coalesce(array_agg(t.action ORDER BY t.id), '{}') FROM case_step t
        WHERE t.case_id = c.id AND t.state = 'done' AND NOT EXISTS (SELECT FROM case_step u
            WHERE u.of_step = t.id AND u.state = 'reversed')) AS actions
FROM near n JOIN case_file c ON c.id = n.id LEFT JOIN sender s ON s.id = c.sender_id
    LEFT JOIN account a ON a.id = c.account_id
WHERE c.id <> $1::bigint AND c.kind = 'enforcement' AND c.state <> 'reversed'
GROUP BY c.id, s.id, a.id ORDER BY c.id DESC LIMIT 100;

-- name: case_credit
-- Steps in force of some kinds that were taken in a time, for credit files: whom, what, by what rule.
SELECT t.id, t.case_id, t.action, t.rule, t.details, t.at, c.kind, c.port_id,
    coalesce(e.legal_name, s.legal_name) AS name, coalesce(e.credit_code, s.credit_code) AS code,
    e.kind AS entity_kind, EXISTS (SELECT FROM case_step u WHERE u.of_step = t.id
        AND u.state = 'appealed' AND NOT EXISTS (SELECT FROM case_step v
            WHERE v.of_step = t.id AND v.id > u.id AND v.state IN ('upheld', 'reversed')))
        AS appealed,
    EXISTS (SELECT FROM case_step u WHERE u.of_step = t.id AND u.state = 'upheld') AS upheld,
    (SELECT min(u.at) FROM case_step u WHERE u.of_step = t.id AND u.action = 'lift'
        AND u.state = 'done') AS lifted_at,
    c.ladder, (SELECT min(u.at) FROM case_step u WHERE u.of_step = t.id AND u.state = 'reversed')
        AS reversed_at
FROM case_step t JOIN case_file c ON c.id = t.case_id LEFT JOIN sender s ON s.id = c.sender_id
    LEFT JOIN entity e ON e.id = coalesce(s.entity_id, c.entity_id)
WHERE c.kind = 'enforcement' AND t.state = 'done' AND t.action = ANY ($1::text[])
    AND t.at >= $2::timestamptz AND t.at < $3::timestamptz
ORDER BY t.id LIMIT $4::int;

-- name: sealed_case_words
-- A page of what was written in cases.
SELECT step_id AS key, sealed FROM case_word
WHERE $1::bigint IS NULL OR step_id > $1::bigint ORDER BY step_id LIMIT $2::int;

-- name: reseal_case_word
-- Seal what was written anew, unless it changed meanwhile.
UPDATE case_word SET sealed = $3::bytea WHERE step_id = $1::bigint AND sealed = $2::bytea;
