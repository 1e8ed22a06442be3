-- The doors of refusals beside a plain reply: keywords, HELP, files, carriers that refuse.

-- name: confirmations_unanswered
-- Confirmations that were attempted since a time and of which it is not known yet whether their
-- carrier took them, with what it answered so far.
SELECT c.id, c.message_id, c.tried, b.carrier, b.segments AS counts, w.slots, r.positions,
    r.statuses
FROM confirmation c
JOIN batch b ON b.id = c.message_id >> 10
JOIN attempt_window w ON w.batch_id = b.id
JOIN window_result r ON r.batch_id = b.id AND r.window_id = w.id
WHERE c.state = 'attempted' AND NOT c.answered AND c.attempted_at > $1::timestamptz
ORDER BY c.id LIMIT $2::int;

-- name: confirmations_answered
-- Nothing more is to be done about some confirmations: they left, or may have left.
UPDATE confirmation SET answered = true WHERE id = ANY($1::bigint[]) AND state = 'attempted';

-- name: confirmation_refused
-- A carrier refused a confirmation: it waits for another one, or ends.
UPDATE confirmation SET state = $3::text, tried = tried || $2::text, waits = '{}'
WHERE id = $1::bigint AND state = 'attempted' AND NOT answered;

-- name: help_wanted
-- Answers to HELP that are due: for whom no other about the same number was made since a time.
INSERT INTO help_answer (id, person_id, destination, names, state, created_at)
SELECT DISTINCT ON (p, d) i, p, d, n, 'waiting', $5::timestamptz
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) AS new (i, p, d, n)
WHERE NOT EXISTS (SELECT FROM help_answer h
    WHERE h.person_id = p AND h.destination = d AND h.created_at > $6::timestamptz)
ORDER BY p, d, i
RETURNING id;

-- name: help_waiting
-- Answers to HELP that were not sent yet.
SELECT id, person_id, destination, names FROM help_answer WHERE state = 'waiting'
ORDER BY id LIMIT $1::int;

-- name: help_hold
-- Those of some answers that still wait, held for this transaction.
SELECT id FROM help_answer WHERE id = ANY($1::bigint[]) AND state = 'waiting'
ORDER BY id FOR UPDATE;

-- name: help_sent
-- An answer is on its way, or (no message) cannot be sent.
UPDATE help_answer SET state = CASE WHEN $2::bigint IS NULL THEN 'unroutable' ELSE 'attempted' END,
    message_id = $2::bigint, attempted_at = $3::timestamptz
WHERE id = $1::bigint AND state = 'waiting';

-- name: port_keywords_of
-- Keywords of a number.
SELECT k.number, k.sender_id, k.word, k.written, k.account_id, s.credit_code
FROM port_keyword k JOIN sender s ON s.id = k.sender_id
WHERE k.number = ANY($1::text[]) ORDER BY k.number, s.credit_code, k.written;

-- name: port_keywords_drop
-- A sender's keywords of a number go; others are filed in their place.
DELETE FROM port_keyword WHERE number = $1::text AND sender_id = $2::int;

-- name: port_keywords_put
-- A sender's keywords of a number.
INSERT INTO port_keyword (number, sender_id, word, written, account_id, created_at)
SELECT $1::text, $2::int, w, t, $5::int, $6::timestamptz
FROM unnest($3::text[], $4::text[]) AS new (w, t);

-- name: refusal_file_put
-- A file of refusals is taken; no row where its digest is known.
INSERT INTO refusal_file (origin, source, dated, sha256, scope, rows, accepted, faults, done, at,
    key_id, actor_id)
VALUES ($1::text, $2::text, $3::date, $4::bytea, $5::text, $6::int, $7::int, $8::text::jsonb,
    false, $9::timestamptz, $10::int, $11::int)
ON CONFLICT (sha256) DO NOTHING
RETURNING id, done;

-- name: refusal_file_same
-- The file with a digest.
SELECT id, origin, source, dated, scope, done FROM refusal_file WHERE sha256 = $1::bytea;

-- name: refusal_file_done
-- Everything in a file stands in the ledger.
UPDATE refusal_file SET done = true WHERE id = $1::bigint;

-- name: refusal_files
-- Files that were taken, newest first.
SELECT id, origin, source, dated, sha256, scope, rows, accepted, done, at FROM refusal_file
ORDER BY id DESC LIMIT 1000;

-- name: replies_unclear
-- Unclear replies that nobody has read yet, oldest first.
SELECT id, at, carrier, destination, person_id, text, complete, groups, keyword_set FROM reply
WHERE intent = 'unclear' AND reviewed_at IS NULL AND id > $1::bigint ORDER BY id LIMIT $2::int;

-- name: reply_hold
-- An unclear reply, held while somebody says what is in it.
SELECT id, person_id, groups, reviewed_at, read_as FROM reply
WHERE id = $1::bigint AND intent = 'unclear' FOR UPDATE;

-- name: reply_read
-- Somebody has read an unclear reply.
UPDATE reply SET reviewed_at = $2::timestamptz, read_as = $3::text WHERE id = $1::bigint;

-- name: pauses_of_reply
-- What rests because of a reply.
SELECT position, group_id, person_id, purposes FROM pause
WHERE person_id = $1::int AND reply_id = $2::bigint ORDER BY position;

-- name: reply_concerns
-- Whom an unclear reply concerns.
SELECT groups FROM reply WHERE id = $1::bigint AND intent = 'unclear';
