-- Asking people by SMS whether they agree, and what consents carry.

-- name: consent_session_put
-- A number is about to be entered.
INSERT INTO consent_session (token_digest, account_id, sender_id, programme_id, created_at,
    expires_at)
VALUES ($1::bytea, $2::int, $3::int, $4::int, $5::timestamptz, $6::timestamptz);

-- name: consent_session_get
-- Whose entry a token is good for, and until when; held until the transaction ends.
SELECT account_id, sender_id, programme_id, created_at, expires_at FROM consent_session
WHERE token_digest = $1::bytea FOR UPDATE;

-- name: consent_sessions_drop
-- Tokens that nobody can use or repeat any more.
DELETE FROM consent_session WHERE expires_at < $1::timestamptz;

-- name: asking_document
-- A document of a sender's entity that shows consents, if it was accepted and looked at. Held, so
-- that the requests that stand on it are counted one by one.
SELECT d.id FROM document d JOIN sender s ON s.entity_id = d.entity_id
WHERE d.id = $1::bigint AND s.id = $2::int AND d.kind = 'consent_evidence'
    AND d.state = 'accepted' AND d.seen NOT IN ('none', 'scan') FOR UPDATE OF d;

-- name: asking_by_document
-- For how many numbers a document stands already, and whether for one of them.
SELECT count(DISTINCT number_digest) AS numbers,
    count(*) FILTER (WHERE number_digest = $2::bytea) AS mine
FROM consent_request WHERE document_id = $1::bigint;

-- name: asking_programme
-- What a programme says of itself.
SELECT kinds, frequency, period FROM programme WHERE id = $1::int;

-- name: asking_of_session
-- The request that a token was used for.
SELECT number_digest FROM consent_request WHERE session_digest = $1::bytea;

-- name: asking_take
-- Take a request; whether anybody is asked is looked at later, by nobody who waits for an answer.
INSERT INTO consent_request (id, account_id, sender_id, programme_id, number_sealed, number_digest,
    basis, session_digest, document_id, place_sealed, place_digest, state, taken_at)
VALUES ($1::bigint, $2::int, $3::int, $4::int, $5::bytea, $6::bytea, $7::text, $8::bytea,
    $9::bigint, $10::bytea, $11::bytea, 'taken', $12::timestamptz);

-- name: asking_taken
-- Requests that wait to be looked at, oldest first.
SELECT r.id, r.account_id, r.sender_id, r.programme_id, r.number_sealed, r.person_id, r.basis,
    r.taken_at, s.group_id, s.legal_name, g.name, g.kinds, g.frequency, g.period, g.channel
FROM consent_request r
JOIN sender s ON s.id = r.sender_id JOIN programme g ON g.id = r.programme_id
WHERE r.state = 'taken' AND r.id > $1::bigint ORDER BY r.id LIMIT $2::int;

-- name: asking_persons
-- Whom requests are about: their numbers need not lie here any more.
UPDATE consent_request r SET person_id = new.p, number_sealed = NULL
FROM unnest($1::bigint[], $2::int[]) AS new (id, p) WHERE r.id = new.id;

-- name: asking_facts
-- What speaks against asking some people, each for a sender's group and a programme. Marketing is
-- bit 3 of a mask of purposes.
SELECT q.p AS person_id, q.g AS group_id, q.pr AS programme_id,
    EXISTS (SELECT FROM person WHERE id = q.p AND msisdn IS NOT NULL) AS known,
    EXISTS (SELECT FROM standing s WHERE s.programme_id = q.pr AND s.person_id = q.p
        AND s.grade = 3 AND (s.until IS NULL OR s.until > $4::timestamptz)) AS stands,
    EXISTS (SELECT FROM refusal r WHERE r.person_id = q.p AND r.group_id = 0
        AND r.purposes & 8 <> 0) AS refused_all,
    greatest((SELECT max(r.at) FROM refusal r WHERE r.person_id = q.p AND r.group_id = q.g
        AND r.purposes & 8 <> 0), (SELECT o.at FROM programme_refusal o
        WHERE o.person_id = q.p AND o.programme_id = q.pr)) AS refused_group,
    EXISTS (SELECT FROM pause u WHERE u.person_id = q.p AND u.group_id IN (q.g, 0)) AS paused,
    (SELECT max(c.sent_at) FROM consent_request c WHERE c.person_id = q.p) AS last_asked,
    (SELECT max(CASE c.state WHEN 'refused' THEN c.answered_at ELSE c.expires_at END)
        FROM consent_request c JOIN sender o ON o.id = c.sender_id
        WHERE c.person_id = q.p AND o.group_id = q.g
            AND c.state IN ('refused', 'lapsed', 'sent')) AS last_no
FROM unnest($1::int[], $2::int[], $3::int[]) AS q (p, g, pr);

-- name: asking_record
-- What a sender's last questions brought: those that were answered or are older than $3, at most $4
-- of them, since staff last let it ask; and how many are younger and open.
WITH since AS (
    SELECT coalesce(max(released_at), '-infinity') AS at FROM asking_stop
    WHERE sender_id = $1::int
), last AS (
    SELECT c.state FROM consent_request c, since
    WHERE c.sender_id = $1::int AND c.sent_at > since.at
        AND (c.state <> 'sent' OR c.sent_at <= $3::timestamptz)
        AND c.sent_at <= $2::timestamptz
    ORDER BY c.sent_at DESC LIMIT $4::int
)
SELECT count(*) AS judged, count(*) FILTER (WHERE state = 'agreed') AS agreed,
    (SELECT count(*) FROM consent_request c WHERE c.sender_id = $1::int
        AND c.state = 'sent' AND c.sent_at > $3::timestamptz) AS young
FROM last;

-- name: asking_drop
-- Requests that nobody is asked for.
UPDATE consent_request r SET state = new.state, why = new.why, number_sealed = NULL
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS new (id, state, why)
WHERE r.id = new.id AND r.state = 'taken';

-- name: asking_hold
-- Those of some requests that wait still, held until the transaction ends.
SELECT id FROM consent_request WHERE id = ANY($1::bigint[]) AND state = 'taken'
ORDER BY id FOR UPDATE;

-- name: asking_sent
-- A request has its question.
UPDATE consent_request SET state = 'sent', code = $2::text, wording_id = $3::int,
    message_id = $4::bigint, requested = $5::bigint, sent_at = $6::timestamptz,
    expires_at = $7::timestamptz WHERE id = $1::bigint;

-- name: questions_open
-- Questions of all kinds that some people may still answer.
SELECT 'member' AS what, i.id, i.person_id, i.sender_id, i.programme_id, i.code, s.group_id,
    0::smallint AS purposes, false AS stands
FROM member_invitation i JOIN sender s ON s.id = i.sender_id
WHERE i.person_id = ANY($1::int[]) AND i.state = 'sent' AND i.expires_at > $2::timestamptz
UNION ALL
SELECT 'audit', a.id, a.person_id, i.sender_id, 0, '', i.group_id, 0::smallint, false
FROM consent_audit a JOIN (SELECT o.id, g.sender_id, s.group_id FROM consent_import o
    JOIN programme g ON g.id = o.programme_id JOIN sender s ON s.id = g.sender_id) i
    ON i.id = a.import_id
WHERE a.person_id = ANY($1::int[]) AND a.state = 'sent' AND a.expires_at > $2::timestamptz
UNION ALL
SELECT 'consent', r.id, r.person_id, r.sender_id, r.programme_id, r.code, s.group_id, g.purposes,
    EXISTS (SELECT FROM standing t WHERE t.programme_id = r.programme_id
        AND t.person_id = r.person_id AND (t.until IS NULL OR t.until > $2::timestamptz))
FROM consent_request r JOIN sender s ON s.id = r.sender_id
JOIN programme g ON g.id = r.programme_id
WHERE r.person_id = ANY($1::int[]) AND r.state = 'sent' AND r.expires_at > $2::timestamptz
ORDER BY 1, 2;

-- name: asking_agreed
-- A person agreed; no row where there was an answer before.
UPDATE consent_request SET state = 'agreed', answered_at = $2::timestamptz
WHERE id = $1::bigint AND state = 'sent' RETURNING wording_id;

-- name: asking_declined
-- A person did not agree; no row where there was an answer before.
UPDATE consent_request SET state = 'refused', why = $2::text, answered_at = $3::timestamptz
WHERE id = $1::bigint AND state = 'sent' RETURNING id;

-- name: asking_lapse
-- Silence is no.
UPDATE consent_request SET state = 'lapsed' WHERE state = 'sent' AND expires_at <= $1::timestamptz;

-- name: asking_yes
-- Who agreed between two times on questions of an account, by id.
SELECT r.id, r.person_id, s.credit_code, g.name AS programme
FROM consent_request r JOIN sender s ON s.id = r.sender_id
JOIN programme g ON g.id = r.programme_id
WHERE r.account_id = $1::int AND r.state = 'agreed' AND r.answered_at >= $2::timestamptz
    AND r.answered_at < $3::timestamptz AND r.id > $4::bigint ORDER BY r.id LIMIT $5::int;

-- name: asking_stop_put
-- A sender asks nobody any more; no row where it was stopped already.
INSERT INTO asking_stop (sender_id, at, asked, agreed)
VALUES ($1::int, $2::timestamptz, $3::int, $4::int)
ON CONFLICT (sender_id) WHERE released_at IS NULL DO NOTHING RETURNING id;

-- name: asking_stopped
-- Which of some senders are stopped.
SELECT sender_id, at FROM asking_stop WHERE sender_id = ANY($1::int[]) AND released_at IS NULL;

-- name: asking_stops
-- Senders that are or were stopped, the last first.
SELECT s.credit_code, s.legal_name, a.at, a.asked, a.agreed, a.released_at
FROM asking_stop a JOIN sender s ON s.id = a.sender_id ORDER BY a.id DESC LIMIT $1::int;

-- name: asking_release
-- Staff let a sender ask again; no row where it is not stopped.
UPDATE asking_stop a SET released_at = $2::timestamptz FROM sender s
WHERE s.id = a.sender_id AND s.credit_code = $1::text AND a.released_at IS NULL
RETURNING a.id, a.sender_id, a.at, a.asked, a.agreed;

-- name: wording_keep
-- The id of a version of a programme's wording with its words, and the digest that is kept: another
-- one than that of $3 where the version has other words.
INSERT INTO wording (programme_id, version, words, sha256, first_used)
VALUES ($1::int, $2::text, $3::text, $4::bytea, $5::timestamptz)
ON CONFLICT (programme_id, version) DO UPDATE
SET words = coalesce(wording.words, excluded.words),
    sha256 = coalesce(wording.sha256, excluded.sha256),
    first_used = coalesce(wording.first_used, excluded.first_used)
RETURNING id, sha256;

-- name: person_of_number
-- Who has a number; asked without making anybody.
SELECT id FROM person WHERE msisdn = $1::bigint;

-- name: consent_entries
-- All entries about a person.
SELECT position, at, body FROM entry WHERE person_id = $1::int ORDER BY position;

-- name: consent_proofs
-- What shows some consents of a person to a sender's programmes: by their entries, with the wording
-- and the statement that each names. Imports with the same statement say the same.
SELECT e.position, w.version, w.words, w.sha256, g.kinds, g.frequency, g.period,
    i.how, i.declared, i.source,
    coalesce(p.evidence_sha256, i.evidence_sha256) AS evidence
FROM unnest($2::bigint[], $3::int[], $4::bytea[]) AS wanted (position, wording, statement)
JOIN entry e ON e.position = wanted.position
JOIN programme g ON g.id = e.programme_id
LEFT JOIN wording w ON w.id = wanted.wording
LEFT JOIN LATERAL (SELECT o.id, o.how, o.declared, o.source, o.evidence_sha256
    FROM consent_import o
    WHERE o.programme_id = e.programme_id AND o.statement_sha256 = wanted.statement
    ORDER BY o.id LIMIT 1) i ON true
LEFT JOIN consent_proof p ON p.import_id = i.id AND p.person_id = e.person_id
WHERE e.sender_id = $1::int;

-- name: consent_import_carries
-- What the consents of an import have in common.
UPDATE consent_import SET wording_id = $2::int, how = $3::text, declared = $4::text[],
    evidence_sha256 = $5::bytea, statement = $6::text, statement_sha256 = $7::bytea
WHERE id = $1::int;

-- name: asking_over
-- People who are over are asked nothing.
UPDATE consent_request SET state = CASE state WHEN 'sent' THEN 'lapsed' ELSE 'unasked' END,
    why = CASE state WHEN 'sent' THEN '' ELSE 'nobody' END
WHERE person_id = ANY($1::int[]) AND state IN ('taken', 'sent');

-- name: asking_forget
-- What leads from requests about a person to her number or to where she was.
UPDATE consent_request SET number_sealed = NULL, number_digest = '', place_sealed = NULL,
    place_digest = NULL WHERE person_id = $1::int;

-- name: places_forget
-- Where a person gave her consents.
UPDATE consent_proof SET place_sealed = NULL, place_digest = NULL WHERE person_id = $1::int;

-- name: sealed_asked_numbers
-- Sealed numbers of requests after one.
SELECT id AS key, number_sealed AS sealed FROM consent_request
WHERE number_sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_asked_number
-- Put one back sealed with another key.
UPDATE consent_request SET number_sealed = $3::bytea
WHERE id = $1::bigint AND number_sealed = $2::bytea;

-- name: sealed_asked_places
-- Sealed places of requests after one.
SELECT id AS key, place_sealed AS sealed FROM consent_request
WHERE place_sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_asked_place
-- Put one back sealed with another key.
UPDATE consent_request SET place_sealed = $3::bytea
WHERE id = $1::bigint AND place_sealed = $2::bytea;

-- name: sealed_consent_places
-- Sealed places of imported consents after one.
SELECT import_id::bigint << 32 | person_id AS key, import_id, person_id, place_sealed AS sealed
FROM consent_proof WHERE place_sealed IS NOT NULL
    AND (import_id, person_id) > (coalesce($1::bigint, 0) >> 32,
        coalesce($1::bigint, 0) & 4294967295)
ORDER BY import_id, person_id LIMIT $2::int;

-- name: reseal_consent_place
-- Put one back sealed with another key.
UPDATE consent_proof SET place_sealed = $3::bytea
WHERE import_id = $1::bigint >> 32 AND person_id = $1::bigint & 4294967295
    AND place_sealed = $2::bytea;

-- name: asking_unasked_drop
-- Requests of sessions that led to nothing, some time after.
DELETE FROM consent_request WHERE basis = 'session' AND state IN ('unasked', 'unroutable')
    AND taken_at < $1::timestamptz;
