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

-- name: entries_append
-- Draw gapless positions for a few entries and keep them, with what dispatch must see of those that
-- end standing (by their place, from 0); announced at commit.
WITH taken AS (
    UPDATE entry_position SET next = next + cardinality($2::smallint[])
    RETURNING next - cardinality($2::smallint[]) AS first
), kept AS (
    INSERT INTO entry (position, at, kind, group_id, sender_id, programme_id, person_id, body)
    SELECT taken.first + n - 1, $1::timestamptz, k, g, s, pr, p, b
    FROM taken, unnest($2::smallint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bytea[])
        WITH ORDINALITY AS new (k, g, s, pr, p, b, n)
), ended AS (
    INSERT INTO standing_end (position, group_id, person_id, purposes, programme_id)
    SELECT taken.first + i, ($3::int[])[i + 1], ($6::int[])[i + 1], m, pr
    FROM taken, unnest($8::int[], $9::smallint[], $10::int[]) AS new (i, m, pr)
)
SELECT first, pg_notify('ledger', (first + cardinality($2::smallint[]) - 1)::text) FROM taken;

-- name: replies_store
-- Replies as read, and with what; the messages that they were made of are theirs now; who may see
-- them hears of it. Groups as array literals, since they differ in length.
WITH claimed AS (
    UPDATE inbound SET reply_id = r FROM unnest($1::bigint[], $2::bigint[]) AS of (i, r)
    WHERE id = i
), kept AS (
    INSERT INTO reply (id, at, carrier, destination, person_id, text, intent, complaint, complete,
        groups, keyword_set, keyword_digest, keyword)
    SELECT i, a, c, d, p, t, w, co, wh, g::int[], ks, kd, k
    FROM unnest($3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::int[], $8::text[],
        $9::text[], $10::boolean[], $11::boolean[], $12::text[], $13::text[], $14::bytea[],
        $15::text[]) AS new (i, a, c, d, p, t, w, co, wh, g, ks, kd, k)
)
INSERT INTO event (at, kind, account_id, subject, payload)
SELECT a, 'reply', ac, i, pl
FROM unnest($3::bigint[], $4::timestamptz[], $16::int[], $17::bytea[]) AS new (i, a, ac, pl);

-- name: confirmations_put
-- Confirmations to be sent once what is in flight is answered; whoever sends them hears of it.
WITH made AS (
    INSERT INTO confirmation (id, position, person_id, groups, names, receipt_code, repeat, waits,
        state, created_at)
    SELECT i, po, p, g::int[], n, c, r, w::bigint[], 'waiting', $9::timestamptz
    FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::text[],
        $7::boolean[], $8::text[]) AS new (i, po, p, g, n, c, r, w)
)
SELECT pg_notify('confirm', '');

-- name: refusals_at_once
-- Refusals by whole messages, each about one group, in one call (see refuse_at_once): the first
-- position; null, with nothing stored, where they take the longer way.
SELECT refuse_at_once($1::int[], $2::timestamptz, $3::boolean, $4::bigint[], $5::timestamptz[],
    $6::text[], $7::text[], $8::bigint[], $9::text[], $10::int[], $11::smallint[], $12::bytea[],
    $13::bigint[], $14::text[], $15::text[], $16::boolean[], $17::int[], $18::text[], $19::bytea[],
    $20::bytea[], $21::smallint[], $22::bytea[], $23::timestamptz, $24::bytea[], $25::int[],
    $26::bigint[], $27::text[], $28::text[]) AS head;
