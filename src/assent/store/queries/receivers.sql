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

-- name: programme_refusals_copy
-- Refusals of one programme in force, for COPY: all its purposes.
SELECT programme_id, person_id, 255::int2 FROM programme_refusal;

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

-- name: receiver_code_put
-- A code that was asked for; nobody's (0) where none was sent.
INSERT INTO receiver_code (ticket, person_id, code, at, expires_at)
VALUES ($1::bytea, $2::int, $3::bytea, $4::timestamptz, $5::timestamptz);

-- name: receiver_codes_since
-- How many codes were sent to receivers since a time.
SELECT count(*) FROM receiver_code WHERE at > $1::timestamptz AND person_id <> 0;

-- name: receiver_code_try
-- Try a code ($2: its digest) with the ticket it was asked with, five times at most; it works once,
-- and only while the number ($4) is still that person's.
UPDATE receiver_code c
SET tries = tries + 1, used_at = CASE WHEN c.code = $2::bytea THEN $3::timestamptz END
WHERE c.ticket = $1::bytea AND c.used_at IS NULL AND c.tries < 5 AND c.expires_at > $3::timestamptz
RETURNING c.person_id, c.code = $2::bytea AND EXISTS (SELECT FROM person p
    WHERE p.id = c.person_id AND p.msisdn = $4::bigint) AS fits;

-- name: receiver_codes_forget
-- Forget codes asked for before a time.
DELETE FROM receiver_code WHERE at < $1::timestamptz;

-- name: receiver_session_put
-- A receiver has proved her number.
INSERT INTO receiver_session (digest, person_id, browser, begun_at, expires_at)
VALUES ($1::bytea, $2::int, $3::bytea, $4::timestamptz, $5::timestamptz);

-- name: receiver_session_get
-- Whose session goes on in a browser; none once the number is somebody else's.
SELECT s.person_id, p.msisdn, s.expires_at FROM receiver_session s
JOIN person p ON p.id = s.person_id AND p.msisdn IS NOT NULL
WHERE s.digest = $1::bytea AND s.browser = $2::bytea AND s.expires_at > $3::timestamptz;

-- name: receiver_session_end
-- A receiver has left.
DELETE FROM receiver_session WHERE digest = $1::bytea;

-- name: receiver_sessions_forget
-- Forget sessions that were over before a time.
DELETE FROM receiver_session WHERE expires_at < $1::timestamptz;

-- name: receiver_batches
-- Some batches, the newest first: what was written, from whom, and whose account it was.
SELECT b.id, b.sender_id, b.programme_id, b.purpose, b.position, b.content, b.variables, b.people,
    b.segments, b.accepted_at, b.video_id, p.number AS port, p.signature, s.legal_name,
    a.kind AS account_kind, coalesce(e.legal_name, a.name) AS account_name,
    a.entity_id IS DISTINCT FROM s.entity_id AS of_another, f.states
FROM batch b
JOIN port p ON p.id = b.port_id
JOIN account a ON a.id = b.account_id
LEFT JOIN entity e ON e.id = a.entity_id
LEFT JOIN sender s ON s.id = b.sender_id
LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.id = ANY($1::bigint[]) ORDER BY b.id DESC;

-- name: receiver_message
-- Whom the messages of a batch went to, and in whose name.
SELECT b.people, b.sender_id, s.group_id FROM batch b JOIN sender s ON s.id = b.sender_id
WHERE b.id = $1::bigint;

-- name: receiver_entries
-- The ledger's entries about a person.
SELECT position, at, body FROM entry WHERE person_id = $1::int ORDER BY position LIMIT $2::int;

-- name: receiver_standing
-- In which programmes a person stands.
SELECT programme_id, grade, position, until FROM standing WHERE person_id = $1::int;

-- name: receiver_programmes
-- What some programmes are, in the words that people agree to.
SELECT id, sender_id, name, purposes, kinds, frequency, period, channel, wording_version
FROM programme WHERE id = ANY($1::int[]) ORDER BY id;

-- name: receiver_wordings
-- Versions of wordings that entries name.
SELECT id, version FROM wording WHERE id = ANY($1::int[]);

-- name: receiver_sources
-- Where consents came from, by the digest that entries hold.
SELECT DISTINCT sha256(convert_to(source, 'UTF8')) AS digest, source FROM consent_import
WHERE programme_id = ANY($1::int[]) AND sha256(convert_to(source, 'UTF8')) = ANY($2::bytea[]);

-- name: receiver_replies
-- What a person wrote.
SELECT id, at, destination, text, intent, complaint FROM reply
WHERE person_id = $1::int ORDER BY id DESC LIMIT $2::int;

-- name: receiver_confirmations
-- Confirmations of a person's refusals, and of what she gave back.
SELECT position, about, names, receipt_code, repeat, state, created_at, attempted_at
FROM confirmation
WHERE person_id = $1::int ORDER BY id DESC LIMIT $2::int;

-- name: complaints_of_message
-- A complaint of a person about a message, if there is one.
SELECT receipt_code FROM complaint WHERE person_id = $1::int AND message_id = $2::bigint
ORDER BY id LIMIT 1;

-- name: complaints_forget
-- An erased person's words go; that she complained stays.
UPDATE complaint SET sealed = NULL WHERE person_id = $1::int;

-- name: sealed_complaints
-- Sealed values of a column after one.
SELECT id AS key, receipt_code, sealed FROM complaint
WHERE sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_complaint
-- Put one back sealed with another key.
UPDATE complaint SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;

-- name: receiver_rejections
-- Orders of some time that a person was judged out of.
SELECT s.id, s.at, s.purpose, x.legal_name, d.people, d.reasons
FROM submission s
JOIN decision d ON d.submission_id = s.id
LEFT JOIN sender x ON x.id = s.sender_id
WHERE s.id >= $1::bigint AND s.id < $2::bigint
    AND d.submission_id >= $1::bigint AND d.submission_id < $2::bigint
    AND position($3::bytea IN d.people) > 0
ORDER BY s.id DESC LIMIT $4::int;

-- name: receiver_invitations
-- Organisations that asked a person whether she is a member.
SELECT i.id, s.legal_name AS organisation, i.state, i.created_at, i.sent_at, i.answered_at
FROM member_invitation i JOIN sender s ON s.id = i.sender_id
WHERE i.person_id = $1::int ORDER BY i.id DESC LIMIT $2::int;

-- name: receiver_since
-- Since when there is a person of a number.
SELECT created_at FROM person WHERE id = $1::int;
