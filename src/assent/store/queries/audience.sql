-- Audiences from consent, labels, instructions.

-- name: label_hold
-- A label of an account by its name, held for this transaction.
SELECT id, account_id, programme_id, name, kind, origin, people FROM label
WHERE account_id = $1::int AND name = $2::text FOR UPDATE;

-- name: label_insert
-- Make a label; one that was made meanwhile stays.
INSERT INTO label (account_id, programme_id, name, kind, origin, created_at, changed_at)
VALUES ($1::int, $2::int, $3::text, $4::text, $5::text, $6::timestamptz, $6::timestamptz)
ON CONFLICT (account_id, name) DO NOTHING;

-- name: label_chunks
-- The people of a label.
SELECT number, people FROM label_chunk WHERE label_id = $1::int ORDER BY number;

-- name: label_chunk_insert
-- More people of a label.
INSERT INTO label_chunk (label_id, number, first, last, people)
VALUES ($1::int, $2::int, $3::int, $4::int, $5::bytea);

-- name: label_count
-- How many people a label has now.
UPDATE label SET people = people + $2::int, changed_at = $3::timestamptz WHERE id = $1::int;

-- name: labels_of
-- The labels of an account.
SELECT l.id, l.name, l.kind, l.origin, l.people, l.created_at, l.changed_at, p.name AS programme,
    s.credit_code
FROM label l JOIN programme p ON p.id = l.programme_id JOIN sender s ON s.id = p.sender_id
WHERE l.account_id = $1::int ORDER BY l.id;

-- name: labels_named
-- Some labels of an account by their names.
SELECT id, name, programme_id, people FROM label
WHERE account_id = $1::int AND name = ANY($2::text[]);

-- name: label_drop
-- Delete a label with its people.
DELETE FROM label WHERE id = $1::int AND account_id = $2::int RETURNING name;

-- name: label_chunks_with
-- Chunks that may hold a person ($2: the id as octets), held for this transaction.
SELECT label_id, number, people FROM label_chunk
WHERE first <= $1::int AND last >= $1::int AND position($2::bytea IN people) > 0
ORDER BY label_id, number FOR UPDATE;

-- name: label_chunk_put
-- A chunk without somebody.
UPDATE label_chunk SET first = $3::int, last = $4::int, people = $5::bytea
WHERE label_id = $1::int AND number = $2::int;

-- name: label_chunk_drop
-- A chunk with nobody left.
DELETE FROM label_chunk WHERE label_id = $1::int AND number = $2::int;

-- name: label_less
-- A label has one person less.
UPDATE label SET people = people - 1 WHERE id = $1::int;

-- name: programme_kinds
-- What a programme's wording says will be sent.
SELECT kinds FROM programme WHERE id = $1::int;

-- name: audience_day_begin
-- The position as of which a day counts; the first to ask settles it.
INSERT INTO audience_day (day, position) SELECT $1::int, next - 1 FROM entry_position
ON CONFLICT (day) DO NOTHING;

-- name: audience_day_position
-- The position as of which a day counts.
SELECT position FROM audience_day WHERE day = $1::int;

-- name: audience_days_past
-- Forget what was counted on earlier days.
WITH days AS (DELETE FROM audience_day WHERE day < $1::int)
DELETE FROM audience_count WHERE day < $1::int;

-- name: audience_count_get
-- What was told of a choice on a day.
SELECT people FROM audience_count
WHERE account_id = $1::int AND day = $2::int AND digest = $3::bytea;

-- name: audience_counts
-- How many different choices an account has counted on a day.
SELECT count(*)::int FROM audience_count WHERE account_id = $1::int AND day = $2::int;

-- name: audience_count_put
-- Keep what is told of a choice; who counted first is right.
INSERT INTO audience_count (account_id, day, digest, people)
VALUES ($1::int, $2::int, $3::bytea, $4::int) ON CONFLICT DO NOTHING;

-- name: ended_since
-- Whose standing with a group may have ended or paused after a position.
SELECT DISTINCT person_id FROM standing_end
WHERE position > $2::bigint AND group_id IN ($1::int, 0);

-- name: entries_of_people_before
-- What was known of some people at a position, in order.
SELECT position, person_id, body FROM entry
WHERE person_id = ANY($1::int[]) AND position <= $2::bigint ORDER BY position;

-- name: audience_built
-- An audience that was chosen from consent is whole; `rows` is what may be shown.
UPDATE audience SET state = 'ready', rows = $2::int, built = $3::jsonb WHERE id = $1::bigint;

-- name: instruction_insert
-- Keep what a customer signed.
INSERT INTO instruction (account_id, file_sha256, words, signed_on, by_account, by_key, by_actor,
    created_at, grade, checked)
VALUES ($1::int, $2::bytea, $3::text, $4::date, $5::int, $6::int, $7::int, $8::timestamptz,
    $9::text, $10::jsonb)
RETURNING id;

-- name: instruction_get
-- An instruction, and the campaign that was ordered on it.
SELECT i.id, i.account_id, i.file_sha256, i.words, i.signed_on, i.created_at, f.media_type,
    i.grade, i.checked, c.id AS campaign_id
FROM instruction i JOIN paper_file f ON f.sha256 = i.file_sha256
LEFT JOIN campaign c ON c.instruction_id = i.id
WHERE i.id = $1::bigint AND ($2::int IS NULL OR i.account_id = $2::int);

-- name: instruction_hold
-- An instruction of an account, held until a campaign has it.
SELECT id, file_sha256, grade FROM instruction WHERE id = $1::bigint AND account_id = $2::int FOR UPDATE;

-- name: instruction_campaign
-- The campaign that was ordered on an instruction.
SELECT id FROM campaign WHERE instruction_id = $1::bigint;

-- name: campaign_instructed
-- A campaign was ordered by staff on an instruction.
UPDATE campaign SET instruction_id = $2::bigint WHERE id = $1::bigint;

-- name: dossier_instructions
-- What accounts of an entity, or those that act for its sender, signed for staff to order.
SELECT i.id, i.account_id, i.file_sha256, i.words, i.signed_on, i.by_account, i.by_key, i.by_actor,
    i.created_at, c.id AS campaign_id, c.name AS campaign
FROM instruction i LEFT JOIN campaign c ON c.instruction_id = i.id
WHERE i.account_id IN (SELECT id FROM account WHERE entity_id = $1::int
    UNION SELECT x.account_id FROM account_sender x JOIN sender s ON s.id = x.sender_id
    WHERE s.entity_id = $1::int)
ORDER BY i.id;
