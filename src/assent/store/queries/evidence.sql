-- What an evidence bundle is made from: one person, the senders of one group.

-- name: evidence_senders
-- A sender and those of its group, by a credit code.
SELECT s.id, s.group_id, s.credit_code, s.legal_name, s.contact FROM sender s
WHERE s.group_id = (SELECT group_id FROM sender WHERE credit_code = $1::text) ORDER BY s.id;

-- name: evidence_person
-- Who has a number now.
SELECT id, secret FROM person WHERE msisdn = $1::bigint;

-- name: evidence_entries
-- Entries about a person that concern a group or every sender, among those that are sealed.
SELECT position, at, body FROM entry
WHERE person_id = $1::int AND group_id IN ($2::int, 0) AND position <= $3::bigint
ORDER BY position LIMIT $4::int;

-- name: evidence_wordings
-- Programmes of some senders, and the wordings that people agreed to.
SELECT p.id, p.sender_id, p.name, p.purposes, p.kinds, p.frequency, p.period, p.channel,
    w.id AS wording_id, w.version
FROM programme p LEFT JOIN wording w ON w.programme_id = p.id
WHERE p.sender_id = ANY($1::int[]) ORDER BY p.id, w.id;

-- name: evidence_batches
-- Those of some batches ($2) that are of some senders ($1).
SELECT b.id, b.submission_id, b.account_id, a.name AS account, b.campaign_id, b.sender_id,
    b.programme_id, b.template_id, b.purpose, b.carrier, b.position, b.n, b.content, b.variables,
    b.people, b.segments, b.not_before, b.expires_at, b.accepted_at, b.video_id,
    p.number AS port, p.signature, s.rulebook, s.numbers, f.states, i.id AS instruction_id,
    i.file_sha256 AS instruction_sha256, i.grade AS instruction_grade
FROM batch b
JOIN account a ON a.id = b.account_id
JOIN port p ON p.id = b.port_id
LEFT JOIN submission s ON s.id = b.submission_id
LEFT JOIN batch_final f ON f.batch_id = b.id
LEFT JOIN campaign c ON c.id = b.campaign_id
LEFT JOIN instruction i ON i.id = c.instruction_id
WHERE b.sender_id = ANY($1::int[]) AND b.id = ANY($2::bigint[])
ORDER BY b.id LIMIT $3::int;

-- name: evidence_rejections
-- Orders of some senders that a person was judged out of.
SELECT s.id, s.account_id, a.name AS account, s.sender_id, s.purpose, s.rulebook, s.numbers,
    s.position, s.at, d.people, d.reasons, d.findings
FROM submission s
JOIN decision d ON d.submission_id = s.id
JOIN account a ON a.id = s.account_id
WHERE s.sender_id = ANY($1::int[]) AND s.id >= $2::bigint AND s.id < $3::bigint
    AND d.submission_id >= $2::bigint AND d.submission_id < $3::bigint
    AND position($4::bytea IN d.people) > 0
ORDER BY s.id LIMIT $5::int;

-- name: evidence_attempts
-- Windows of a batch and what carriers answered.
SELECT w.id, w.at, w.slots, w.tries, r.at AS answered_at, r.carrier, r.link, r.positions,
    r.segments, r.statuses, r.codes, r.carrier_ids
FROM attempt_window w LEFT JOIN window_result r ON r.batch_id = w.batch_id AND r.window_id = w.id
WHERE w.batch_id = $1::bigint ORDER BY w.id, r.id;

-- name: evidence_receipts
-- Reports between two times that hold one of some message ids ($3: each as octets).
SELECT at, carrier, messages, segments, states FROM receipt_log
WHERE id >= $1::bigint AND id < $2::bigint
    AND EXISTS (SELECT FROM unnest($3::bytea[]) AS wanted WHERE position(wanted IN messages) > 0)
ORDER BY id;

-- name: evidence_replies
-- What a person wrote that concerns a group or everybody.
SELECT id, at, carrier, destination, text, intent, complaint, complete, groups FROM reply
WHERE person_id = $1::int AND (groups && ARRAY[$2::int, 0] OR cardinality(groups) = 0)
    AND at >= $3::timestamptz AND at < $4::timestamptz
ORDER BY id LIMIT $5::int;

-- name: evidence_confirmations
-- Confirmations to a person about a group or everybody.
SELECT id, position, about, names, receipt_code, repeat, state, message_id, created_at,
    attempted_at
FROM confirmation
WHERE person_id = $1::int AND groups && ARRAY[$2::int, 0]
    AND created_at >= $3::timestamptz AND created_at < $4::timestamptz
ORDER BY id LIMIT $5::int;

-- name: evidence_checkpoint
-- The first checkpoint that holds a position.
SELECT size, root, note, at FROM ledger_checkpoint
WHERE size >= $1::bigint ORDER BY size LIMIT 1;

-- name: evidence_imports
-- By which imports entries at some positions came, what those said, and what was known of a person's
-- own row.
SELECT e.position, i.id, i.at, i.source, i.how, i.declared, i.statement, i.evidence_sha256, i.state,
    i.key_id, i.actor_id, a.name AS account, a.kind, n.legal_name,
    p.evidence_sha256 AS row_evidence
FROM unnest($1::bigint[]) AS e (position)
JOIN consent_waiting w ON e.position >= w.first_position
    AND e.position < w.first_position + w.opened
JOIN consent_import i ON i.id = w.import_id
JOIN account a ON a.id = i.account_id
LEFT JOIN entity n ON n.id = a.entity_id
LEFT JOIN consent_proof p ON p.import_id = i.id AND p.person_id = $2::int
ORDER BY e.position;

-- name: evidence_wording_words
-- Wordings with their words, where these were handed in.
SELECT id, version, words, sha256, first_used FROM wording WHERE id = ANY($1::int[]) ORDER BY id;
