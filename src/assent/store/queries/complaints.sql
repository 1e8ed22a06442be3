-- Complaints: taken in by every door, matched, answered.

-- name: complaints_put
-- Take complaints in; those whose reference is known already are left out. Columns of a row each.
INSERT INTO complaint (source, person_id, message_id, sender_id, receipt_code, sealed, state, at,
    file_id, reference, number, port_type, port_id, account_id, matched, carrier, province,
    purpose, category, brand, complained_at, due_at, forward_by)
SELECT so, pe, me, se, re, wo, st, $24::timestamptz, fi, rf, nu, pt, po, ac, ma, ca, pr, pu, ct, br,
    co, du, fo
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::text[], $6::bytea[], $7::text[],
    $8::bigint[], $9::text[], $10::text[], $11::boolean[], $12::int[], $13::int[], $14::text[],
    $15::text[], $16::smallint[], $17::smallint[], $18::text[], $19::text[], $20::timestamptz[],
    $21::timestamptz[], $22::timestamptz[], $23::int[])
    AS new (so, pe, me, se, re, wo, st, fi, rf, nu, pt, po, ac, ma, ca, pr, pu, ct, br, co, du, fo,
        place)
ORDER BY place
ON CONFLICT (source, carrier, reference) WHERE reference IS NOT NULL DO NOTHING
RETURNING id, receipt_code;

-- name: complaint_events
-- Complaints are new or changed: an event each.
INSERT INTO event (at, kind, account_id, subject, payload)
SELECT $3::timestamptz, 'complaint', NULL, i, p FROM unnest($1::bigint[], $2::bytea[]) AS new (i, p)
ORDER BY i;

-- name: complaints_referenced
-- Which of some references of a source are known, with their receipt codes.
SELECT reference, receipt_code FROM complaint
WHERE source = $1::text AND reference = ANY($2::text[]);

-- name: complaints_of_person
-- What a person complained about, with the last answer.
SELECT c.id, c.source, c.message_id, c.sender_id, c.receipt_code, c.sealed, c.state, c.at,
    c.number, c.due_at, c.answered_at, w.sealed AS answer
FROM complaint c
LEFT JOIN LATERAL (SELECT sealed FROM complaint_word
    WHERE complaint_id = c.id AND kind IN ('answer', 'refusal')
    ORDER BY id DESC LIMIT 1) w ON true
WHERE c.person_id = $1::int ORDER BY c.id DESC;

-- name: complaint_words_forget
-- What was said about an erased person's complaints goes, too.
UPDATE complaint_word SET sealed = NULL
WHERE complaint_id IN (SELECT id FROM complaint WHERE person_id = $1::int);

-- name: sealed_complaint_words
-- Sealed values of a column after one.
SELECT id AS key, complaint_id, sealed FROM complaint_word
WHERE sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_complaint_word
-- Put one back sealed with another key.
UPDATE complaint_word SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;

-- name: complaint_batches
-- Some batches as far as a complaint about one of their messages asks.
SELECT id, submission_id, account_id, sender_id, port_id, purpose, carrier, content, variables,
    people, segments, accepted_at
FROM batch WHERE id = ANY($1::bigint[]) ORDER BY id DESC;

-- name: complaint_batches_of_ports
-- What was sent from some ports between two ids, the newest first; each text of an account once.
SELECT DISTINCT ON (account_id, sender_id, port_id, content) id, account_id, sender_id, port_id,
    purpose, carrier, content
FROM (SELECT id, account_id, sender_id, port_id, purpose, carrier, content FROM batch
    WHERE port_id = ANY($1::int[]) AND id >= $2::bigint AND id < $3::bigint
    ORDER BY id DESC LIMIT $4::int) lately
ORDER BY account_id, sender_id, port_id, content, id DESC;

-- name: complaint_file_put
-- Note a file; nothing if it is known.
INSERT INTO complaint_file (source, carrier, mapping, sha256, rows, accepted, faults, at, key_id,
    actor_id)
VALUES ($1::text, $2::text, $3::text, $4::bytea, $5::int, $6::int, $7::text::jsonb, $8::timestamptz,
    $9::int, $10::int)
ON CONFLICT (sha256) DO NOTHING
RETURNING id, done;

-- name: complaint_file_same
-- A file that is known by its digest.
SELECT id, source, carrier, mapping, rows, accepted, faults, done FROM complaint_file
WHERE sha256 = $1::bytea;

-- name: complaint_file_done
-- All rows of a file are complaints.
UPDATE complaint_file SET done = true WHERE id = $1::bigint;

-- name: complaint_files
-- The files that were taken, the newest first.
SELECT id, source, carrier, mapping, sha256, rows, accepted, at, done FROM complaint_file
WHERE $1::bigint = 0 OR id < $1::bigint ORDER BY id DESC LIMIT $2::int;

-- name: complaint_file_counts
-- What came of a file's rows: complaints new by it, by state and by what they were matched.
SELECT count(*)::int AS new, count(*) FILTER (WHERE matched <> '')::int AS matched,
    count(*) FILTER (WHERE state = 'not_ours')::int AS not_ours
FROM complaint WHERE file_id = $1::bigint;

-- name: complaining_replies
-- Those of some replies that complain, and are no complaint yet.
SELECT r.id, r.at, r.carrier, r.destination, r.person_id, r.text FROM reply r
WHERE r.id = ANY($1::bigint[]) AND r.complaint AND r.person_id <> 0
    AND NOT EXISTS (SELECT FROM complaint c WHERE c.source = 'reply'
        AND c.carrier = r.carrier AND c.reference = r.id::text)
ORDER BY r.id;

-- name: complaints_to_complete
-- Some complaints as they were taken in.
SELECT id, source, person_id, message_id, sender_id, receipt_code, sealed, number, port_id,
    account_id, matched, carrier, province, purpose, category, brand, complained_at
FROM complaint WHERE id = ANY($1::bigint[]) ORDER BY id;

-- name: complaint_complete
-- Tell what a complaint is about, as far as that was found out; true if it changed anything.
UPDATE complaint SET message_id = $2::bigint, sender_id = $3::int, port_id = $4::int,
    account_id = $5::int, matched = $6::text, purpose = $7::smallint, category = $8::text,
    brand = $9::text
WHERE id = $1::bigint AND (message_id, sender_id, port_id, account_id, matched, purpose, category,
    brand) IS DISTINCT FROM ($2::bigint, $3::int, $4::int, $5::int, $6::text, $7::smallint,
    $8::text, $9::text)
RETURNING true;

-- name: complaints_undated
-- Open complaints of before, for which nobody counted days.
SELECT id, at FROM complaint
WHERE due_at IS NULL AND state IN ('open', 'forwarded') ORDER BY id LIMIT $1::int;

-- name: complaint_dated
-- Until when one is to be passed on, and answered.
UPDATE complaint SET forward_by = $2::timestamptz, due_at = $3::timestamptz
WHERE id = $1::bigint AND due_at IS NULL;

-- name: complaints_to_remind
-- Open ones that nobody was reminded of: to be passed on before $1, answered before $2; $3: now.
SELECT c.id, d.about, d.until, c.account_id, c.state FROM complaint c
CROSS JOIN LATERAL (VALUES
    ('forward', c.forward_by, c.state = 'open' AND c.forward_by < $1::timestamptz),
    ('answer', c.due_at, c.due_at < $2::timestamptz),
    ('late', c.due_at, c.due_at < $3::timestamptz)) d (about, until, due)
WHERE c.state IN ('open', 'forwarded') AND d.due
    AND NOT EXISTS (SELECT FROM complaint_word w
        WHERE w.complaint_id = c.id AND w.kind = 'reminder' AND w.about = d.about)
ORDER BY c.due_at, c.id LIMIT $4::int;

-- name: complaint_remind
-- Note a reminder, once.
INSERT INTO complaint_word (complaint_id, kind, about, at)
VALUES ($1::bigint, 'reminder', $2::text, $3::timestamptz)
ON CONFLICT (complaint_id, about) WHERE kind = 'reminder' DO NOTHING
RETURNING id;

-- name: complaints_listed
-- Complaints in short, the newest first. A null asks for all. $1: before this id; $9: overdue at
-- this time; $10, $11: only those that concern an account (whose senders are these).
SELECT c.id, c.source, c.state, c.sender_id, c.account_id, c.port_id, c.number, c.port_type,
    c.matched, c.carrier, c.province, c.purpose, c.category, c.brand, c.complained_at, c.at,
    c.forward_by, c.due_at, c.answered_at, c.file_id, c.reference, a.name AS account,
    s.legal_name, s.credit_code
FROM complaint c
LEFT JOIN account a ON a.id = c.account_id LEFT JOIN sender s ON s.id = c.sender_id
WHERE ($1::bigint = 0 OR c.id < $1::bigint)
    AND ($2::text IS NULL OR c.state = $2::text)
    AND ($3::text IS NULL OR c.source = $3::text)
    AND ($4::int IS NULL OR c.sender_id = $4::int)
    AND ($5::text IS NULL OR c.number = $5::text)
    AND ($6::int IS NULL OR c.account_id = $6::int)
    AND ($7::timestamptz IS NULL OR c.complained_at >= $7::timestamptz)
    AND ($8::timestamptz IS NULL OR c.complained_at < $8::timestamptz)
    AND ($9::timestamptz IS NULL OR (c.state IN ('open', 'forwarded')
        AND (c.due_at < $9::timestamptz OR (c.state = 'open' AND c.forward_by < $9::timestamptz))))
    AND ($10::int IS NULL OR c.account_id = $10::int OR c.sender_id = ANY($11::int[])
        OR ((c.account_id IS NULL OR c.source = 'api') AND c.sender_id = ANY($12::int[])))
ORDER BY c.id DESC LIMIT $13::int;

-- name: complaint_shown
-- One complaint.
SELECT c.*, a.name AS account, s.legal_name, s.credit_code, s.entity_id, p.number AS port
FROM complaint c
LEFT JOIN account a ON a.id = c.account_id LEFT JOIN sender s ON s.id = c.sender_id
LEFT JOIN port p ON p.id = c.port_id
WHERE c.id = $1::bigint;

-- name: complaint_consent
-- The last grant of a person for a programme up to a position: what a message could stand on.
SELECT position FROM entry WHERE person_id = $1::int AND programme_id = $2::int AND kind = 2
    AND position <= $3::bigint
ORDER BY position DESC LIMIT 1;

-- name: complaint_hold
-- One complaint, to be changed in this transaction.
SELECT c.id, c.state, c.source, c.account_id, c.sender_id, c.due_at, s.entity_id
FROM complaint c LEFT JOIN sender s ON s.id = c.sender_id
WHERE c.id = $1::bigint FOR UPDATE OF c;

-- name: complaint_move
-- A complaint goes on to a state; answered from then on where that ends it.
UPDATE complaint SET state = $2::text, answered_at = $3::timestamptz WHERE id = $1::bigint;

-- name: complaint_word_put
-- What is said about a complaint.
INSERT INTO complaint_word (complaint_id, kind, sealed, key_id, actor_id, account_id, at)
VALUES ($1::bigint, $2::text, $3::bytea, $4::int, $5::int, $6::int, $7::timestamptz)
RETURNING id;

-- name: complaint_words
-- What was said about a complaint, in order.
SELECT id, complaint_id, kind, about, sealed, key_id, actor_id, account_id, at FROM complaint_word
WHERE complaint_id = $1::bigint ORDER BY id;

-- name: complaint_message
-- Where the message of a complaint was decided about.
SELECT b.submission_id, b.accepted_at, b.programme_id, b.position, b.content, b.campaign_id,
    s.rulebook, s.reasons, s.at AS judged_at, s.screening
FROM batch b JOIN submission s ON s.id = b.submission_id WHERE b.id = $1::bigint;

-- name: complaints_concerning
-- Complaints that concern a sender, a port or an account (a null: any) since a time, newest first.
SELECT id, state, source, matched, sender_id, port_id, account_id, category, complained_at
FROM complaint
WHERE ($1::int IS NULL OR sender_id = $1::int) AND ($2::int IS NULL OR port_id = $2::int)
    AND ($3::int IS NULL OR account_id = $3::int) AND complained_at >= $4::timestamptz
ORDER BY id DESC LIMIT $5::int;
