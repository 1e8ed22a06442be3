-- Organisations' members: who is asked, and what they answer.

-- name: invitations_insert
-- Ask people, each at most once since a time, never who refused the group, never who is a member,
-- and nobody who is asked already or was asked by too many others.
INSERT INTO member_invitation (account_id, sender_id, programme_id, person_id, state, created_at,
    expires_at)
SELECT $1::int, $2::int, $3::int, p, 'waiting', $5::timestamptz, $6::timestamptz
FROM unnest($4::int[]) AS p
WHERE NOT EXISTS (SELECT FROM member_invitation i WHERE i.person_id = p
        AND i.sender_id = $2::int AND i.created_at > $7::timestamptz)
    AND (SELECT count(*) FROM member_invitation i WHERE i.person_id = p
        AND i.created_at > $7::timestamptz) < $8::int
    AND NOT EXISTS (SELECT FROM refusal r
        WHERE r.person_id = p AND r.group_id IN ($9::int, 0))
    AND NOT EXISTS (SELECT FROM programme_refusal r
        WHERE r.person_id = p AND r.programme_id = $3::int)
    AND NOT EXISTS (SELECT FROM standing s
        WHERE s.programme_id = $3::int AND s.person_id = p
            AND (s.until IS NULL OR s.until > $5::timestamptz))
RETURNING id, person_id;

-- name: invitations_lock
-- One at a time asks in an organisation's name, so that nobody is asked twice.
SELECT id FROM sender WHERE id = $1::int FOR UPDATE;

-- name: invitations_askers
-- For whom invitations wait to be sent.
SELECT DISTINCT account_id, sender_id FROM member_invitation WHERE state = 'waiting'
ORDER BY account_id, sender_id;

-- name: invitations_waiting
-- Invitations that wait to be sent, of some accounts and their senders.
SELECT i.id, i.person_id, i.sender_id, i.programme_id, s.legal_name FROM member_invitation i
JOIN sender s ON s.id = i.sender_id
JOIN unnest($2::int[], $3::int[]) AS asks (account_id, sender_id)
    ON asks.account_id = i.account_id AND asks.sender_id = i.sender_id
WHERE i.state = 'waiting' ORDER BY i.id LIMIT $1::int;

-- name: invitations_hold
-- Those of them that wait still, held until the transaction ends.
SELECT id FROM member_invitation WHERE id = ANY($1::bigint[]) AND state = 'waiting'
ORDER BY id FOR UPDATE;

-- name: invitation_sent
-- An invitation has its message; how to answer it is known by digest only.
UPDATE member_invitation SET state = 'sent', code = $2::text, token_digest = $3::bytea,
    message_id = $4::bigint, sent_at = $5::timestamptz WHERE id = $1::bigint;

-- name: invitation_unroutable
-- An invitation that cannot be sent.
UPDATE member_invitation SET state = 'unroutable' WHERE id = $1::bigint;

-- name: invitation_by_token
-- The invitation that a link leads to, held until the transaction ends.
SELECT i.id, i.person_id, i.sender_id, i.programme_id, i.state, i.expires_at, s.group_id,
    s.legal_name FROM member_invitation i JOIN sender s ON s.id = i.sender_id
WHERE i.token_digest = $1::bytea FOR UPDATE OF i;

-- name: invitation_answered
-- A person's answer; no row where there was one before.
UPDATE member_invitation SET state = $2::text, answered_at = $3::timestamptz
WHERE id = $1::bigint AND state = 'sent' RETURNING id;

-- name: invitations_refused
-- People refuse groups: what these asked of them is answered.
UPDATE member_invitation i SET state = 'refused', answered_at = $3::timestamptz
FROM sender s, unnest($1::int[], $2::int[]) AS pair (p, g)
WHERE s.id = i.sender_id AND i.person_id = pair.p AND pair.g IN (s.group_id, 0)
    AND i.state IN ('waiting', 'sent');

-- name: invitations_lapse
-- Silence is no.
UPDATE member_invitation SET state = 'lapsed'
WHERE state IN ('waiting', 'sent') AND expires_at <= $1::timestamptz;

-- name: invitations_counts
-- How many were asked for a sender's programmes, and how many of them ever agreed.
SELECT s.credit_code, g.name AS programme, count(i.id) AS invited,
    count(i.id) FILTER (WHERE i.state = 'agreed') AS agreed
FROM programme g JOIN sender s ON s.id = g.sender_id
JOIN account_sender m ON m.sender_id = s.id AND m.account_id = $1::int
LEFT JOIN member_invitation i ON i.programme_id = g.id AND i.created_at < $2::timestamptz
WHERE g.purposes = $3::smallint GROUP BY s.credit_code, g.name ORDER BY 1, 2;

-- name: programme_internal
-- The programme for an organisation's internal messages, made when there is none.
INSERT INTO programme (sender_id, name, purposes, kinds, frequency, period, wording_version,
    created_at, channel)
VALUES ($1::int, $2::text, $3::smallint, $4::text, $5::text, $6::text, $7::text,
    $8::timestamptz, 'sms')
ON CONFLICT (sender_id, name) DO UPDATE SET name = excluded.name RETURNING id, purposes;
