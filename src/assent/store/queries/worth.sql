-- What consents are worth: corrections, imports that wait, audits, cases.

-- name: people_corrected
-- Those of some people of whom an entry was corrected.
SELECT DISTINCT person_id FROM entry WHERE kind = 8 AND person_id = ANY($1::int[]);

-- name: entries_to_refold
-- Every entry about some people, each person's in order.
SELECT person_id, position, body FROM entry
WHERE person_id = ANY($1::int[]) ORDER BY person_id, position;

-- name: standing_refold
-- Standing of some people as it was folded anew; what is so already stays untouched.
INSERT INTO standing (programme_id, person_id, grade, position, until, fresh)
SELECT g, p, l, pos, u, f
FROM unnest($2::int[], $3::int[], $4::smallint[], $5::bigint[], $6::timestamptz[], $7::boolean[])
    AS new (g, p, l, pos, u, f)
WHERE p = ANY($1::int[])
ON CONFLICT (programme_id, person_id) DO UPDATE
SET grade = excluded.grade, position = excluded.position, until = excluded.until,
    fresh = excluded.fresh
WHERE (standing.grade, standing.position, standing.until, standing.fresh)
    IS DISTINCT FROM (excluded.grade, excluded.position, excluded.until, excluded.fresh);

-- name: standing_keep
-- Of some people's standing only what is named stays.
DELETE FROM standing s WHERE s.person_id = ANY($1::int[])
    AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (g, p)
        WHERE kept.g = s.programme_id AND kept.p = s.person_id);

-- name: refusals_refold
-- Refusals of some people as they were folded anew.
INSERT INTO refusal (group_id, person_id, purposes, position, at)
SELECT g, p, m, pos, t
FROM unnest($2::int[], $3::int[], $4::smallint[], $5::bigint[], $6::timestamptz[])
    AS new (g, p, m, pos, t)
WHERE p = ANY($1::int[])
ON CONFLICT (group_id, person_id) DO UPDATE
SET purposes = excluded.purposes, position = excluded.position, at = excluded.at
WHERE (refusal.purposes, refusal.position, refusal.at)
    IS DISTINCT FROM (excluded.purposes, excluded.position, excluded.at);

-- name: refusals_keep
-- Of some people's refusals only those of the groups that are named stay.
DELETE FROM refusal r WHERE r.person_id = ANY($1::int[])
    AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (g, p)
        WHERE kept.g = r.group_id AND kept.p = r.person_id);

-- name: programme_refusals_refold
-- Refusals of one programme by itself, as they were folded anew.
INSERT INTO programme_refusal (programme_id, person_id, position, at)
SELECT o, p, pos, t
FROM unnest($1::int[], $2::int[], $3::bigint[], $4::timestamptz[]) AS new (o, p, pos, t)
ON CONFLICT (programme_id, person_id) DO UPDATE SET position = excluded.position, at = excluded.at
WHERE (programme_refusal.position, programme_refusal.at)
    IS DISTINCT FROM (excluded.position, excluded.at);

-- name: programme_refusals_keep
-- Of some people's refusals of single programmes only those that are named stay.
DELETE FROM programme_refusal r WHERE r.person_id = ANY($1::int[])
    AND NOT EXISTS (SELECT FROM unnest($2::int[], $3::int[]) AS kept (o, p)
        WHERE kept.o = r.programme_id AND kept.p = r.person_id);

-- name: pauses_refold
-- Pauses as they were folded anew; one that is there keeps its reply.
INSERT INTO pause (position, group_id, person_id, purposes, reply_id)
SELECT pos, g, p, m, r
FROM unnest($1::bigint[], $2::int[], $3::int[], $4::smallint[], $5::bigint[])
    AS new (pos, g, p, m, r)
ON CONFLICT (position) DO NOTHING;

-- name: pauses_keep
-- Of some people's pauses only those at the positions that are named stay.
DELETE FROM pause WHERE person_id = ANY($1::int[]) AND NOT position = ANY($2::bigint[]);

-- Imports ---------------------------------------------------------------------------------

-- name: import_facts
-- What an import is compared with: when the programme was filed, when the sender's entity was
-- founded, and from when on its wording is known ($2).
SELECT g.created_at, e.founded_on, w.first_at
FROM programme g JOIN sender s ON s.id = g.sender_id
LEFT JOIN entity e ON e.id = s.entity_id
LEFT JOIN wording w ON w.programme_id = g.id AND w.version = $2::text
WHERE g.id = $1::int;

-- name: wording_since
-- Keep from when on a wording is known; the first word stays.
UPDATE wording SET first_at = $2::timestamptz WHERE id = $1::int AND first_at IS NULL;

-- name: import_lot
-- The delivery that an import belongs to: of the same account, programme, grade and source, of
-- which a portion came since a time.
SELECT lot FROM consent_import
WHERE account_id = $1::int AND programme_id = $2::int AND grade = $3::smallint
    AND source = $4::text AND at > $5::timestamptz AND state IN ('open', 'opened', 'review')
ORDER BY id DESC LIMIT 1;

-- name: lot_rows
-- People and times of a delivery, the latest first.
SELECT w.people, w.times FROM consent_waiting w JOIN consent_import i ON i.id = w.import_id
WHERE i.lot = $1::int ORDER BY w.id DESC LIMIT $2::int;

-- name: lists_in_doubt
-- Lists that wait for review, and lists that were turned down or voided, the latest first.
SELECT i.lot, i.state, s.group_id, w.people
FROM consent_import i JOIN consent_waiting w ON w.import_id = i.id
JOIN programme g ON g.id = i.programme_id JOIN sender s ON s.id = g.sender_id
WHERE i.state IN ('review', 'refused', 'voiding', 'voided') AND i.at > $1::timestamptz
ORDER BY w.id DESC LIMIT $2::int;

-- name: import_put
-- Note an import of consents.
INSERT INTO consent_import (account_id, programme_id, source, accepted, refused, at, grade, key_id,
    actor_id, lot, state, findings)
VALUES ($1::int, $2::int, $3::text, $4::int, $5::int, $6::timestamptz, $7::smallint, $8::int,
    $9::int, $10::int, $11::text, $12::text::jsonb)
RETURNING id;

-- name: import_own_lot
-- An import is the first of its delivery.
UPDATE consent_import SET lot = id WHERE id = $1::int;

-- name: waiting_put
-- Keep consents until they are opened.
INSERT INTO consent_waiting (import_id, template, people, times, look_at)
VALUES ($1::int, $2::bytea, $3::bytea, $4::bytea, $5::timestamptz) RETURNING id;

-- name: waiting_due
-- What may be opened now, the oldest first.
SELECT id FROM consent_waiting WHERE opened_at IS NULL AND look_at <= $1::timestamptz
ORDER BY id LIMIT $2::int;

-- name: waiting_of_import
-- What of an import may be opened now.
SELECT id FROM consent_waiting
WHERE import_id = $1::int AND opened_at IS NULL AND look_at <= $2::timestamptz ORDER BY id;

-- name: waiting_import
-- The import that something waits by.
SELECT import_id FROM consent_waiting WHERE id = $1::bigint;

-- name: import_hold
-- An import, held until the transaction ends; `denied`: somebody of its delivery never agreed.
SELECT i.id, i.account_id, i.programme_id, i.grade, i.lot, i.state, i.accepted, i.evidence_sha256,
    EXISTS (SELECT FROM consent_audit a JOIN consent_import o ON o.id = a.import_id
        WHERE o.lot = i.lot AND a.state = 'never') AS denied
FROM consent_import i WHERE i.id = $1::int FOR UPDATE OF i;

-- name: waiting_hold
-- Consents that wait, held until the transaction ends.
SELECT id, import_id, template, people, times, asked_at FROM consent_waiting
WHERE id = $1::bigint AND opened_at IS NULL FOR UPDATE;

-- name: waiting_opened
-- Consents are in the ledger, from a position on.
UPDATE consent_waiting SET opened_at = $2::timestamptz, first_position = $3::bigint,
    opened = $4::int, look_at = NULL
WHERE id = $1::bigint;

-- name: waiting_look
-- Look again at a time.
UPDATE consent_waiting SET look_at = $2::timestamptz
WHERE id = $1::bigint AND opened_at IS NULL;

-- name: waiting_look_import
-- Look again at a time at what of an import nobody was asked about yet.
UPDATE consent_waiting SET look_at = $2::timestamptz
WHERE import_id = $1::int AND opened_at IS NULL AND asked_at IS NULL;

-- name: waiting_asked
-- Some of these people are asked first; the others of the row wait in another.
UPDATE consent_waiting SET people = $2::bytea, times = $3::bytea, asked_at = $4::timestamptz,
    look_at = $5::timestamptz
WHERE id = $1::bigint;

-- name: import_opened
-- Everything of an import is open.
UPDATE consent_import SET state = 'opened' WHERE id = $1::int AND state = 'open'
    AND NOT EXISTS (SELECT FROM consent_waiting w
        WHERE w.import_id = $1::int AND w.opened_at IS NULL);

-- name: import_state
-- An import goes from one state to another.
UPDATE consent_import SET state = $3::text WHERE id = $1::int AND state = $2::text RETURNING id;

-- name: assertion_hold
-- One at a time opens what is asserted for a sender.
SELECT id FROM sender WHERE id = $1::int FOR UPDATE;

-- name: assertion_used
-- How many people a sender's assertions opened since a time, or are about to.
SELECT coalesce(sum(CASE WHEN w.opened_at IS NULL THEN length(w.people) / 4 ELSE w.opened END), 0)
FROM consent_waiting w JOIN consent_import i ON i.id = w.import_id
JOIN programme g ON g.id = i.programme_id
WHERE g.sender_id = $1::int AND i.grade = 1 AND ((w.opened_at > $2::timestamptz)
    OR (w.opened_at IS NULL AND w.asked_at IS NOT NULL AND i.state = 'open'));

-- name: people_with_number
-- Those of some people who have a number still.
SELECT id FROM person WHERE id = ANY($1::int[]) AND msisdn IS NOT NULL;

-- name: entry_first_at
-- When the ledger began; NULL while it is empty.
SELECT at FROM entry ORDER BY position LIMIT 1;

-- name: waiting_count
-- How many rows of consents wait, and since when the oldest may be opened.
SELECT count(*) AS count, min(look_at) AS oldest FROM consent_waiting
WHERE opened_at IS NULL AND look_at IS NOT NULL;

-- Audits ----------------------------------------------------------------------------------

-- name: audit_askable
-- Whom one may ask: who did not refuse the group, everyone or the programme ($4), and was not asked
-- since a time.
SELECT p AS person_id FROM unnest($1::int[]) AS p
WHERE NOT EXISTS (SELECT FROM refusal r WHERE r.person_id = p AND r.group_id IN ($2::int, 0))
    AND NOT EXISTS (SELECT FROM programme_refusal r
        WHERE r.person_id = p AND r.programme_id = $4::int)
    AND NOT EXISTS (SELECT FROM consent_audit a
        WHERE a.person_id = p AND a.due_at > $3::timestamptz AND a.state <> 'cancelled');

-- name: audits_put
-- Choose whom to ask, each not before a time.
INSERT INTO consent_audit (import_id, waiting_id, person_id, before_opening, state, due_at)
SELECT $1::int, $2::bigint, p, $3::boolean, 'waiting', t
FROM unnest($4::int[], $5::timestamptz[]) AS chosen (p, t);

-- name: audits_of_waiting
-- How many people of a row were asked before it opens, by state.
SELECT state, count(*) AS count FROM consent_audit
WHERE waiting_id = $1::bigint AND before_opening GROUP BY state;

-- name: audits_due
-- Questions to be sent now.
SELECT a.id, a.person_id, a.due_at, s.legal_name, g.kinds
FROM consent_audit a JOIN consent_import i ON i.id = a.import_id
JOIN programme g ON g.id = i.programme_id JOIN sender s ON s.id = g.sender_id
WHERE a.state = 'waiting' AND a.due_at <= $1::timestamptz AND i.state IN ('open', 'opened')
ORDER BY a.id LIMIT $2::int;

-- name: audits_hold
-- Those of them that wait still, held until the transaction ends.
SELECT id FROM consent_audit WHERE id = ANY($1::bigint[]) AND state = 'waiting'
ORDER BY id FOR UPDATE;

-- name: audit_sent
-- A question has its message.
UPDATE consent_audit SET state = 'sent', message_id = $2::bigint, sent_at = $3::timestamptz,
    expires_at = $4::timestamptz WHERE id = $1::bigint;

-- name: audit_unroutable
-- A question that cannot be sent.
UPDATE consent_audit SET state = 'unroutable' WHERE id = $1::bigint;

-- name: audits_open
-- Questions that people may still answer, the latest first.
SELECT a.id, a.person_id, a.import_id, s.group_id
FROM consent_audit a JOIN consent_import i ON i.id = a.import_id
JOIN programme g ON g.id = i.programme_id JOIN sender s ON s.id = g.sender_id
WHERE a.person_id = ANY($1::int[]) AND a.state = 'sent' AND a.expires_at > $2::timestamptz
ORDER BY a.id DESC;

-- name: audit_answered
-- What somebody answered; no row where there was an answer before.
UPDATE consent_audit SET state = $2::text, answered_at = $3::timestamptz, reply_id = $4::bigint
WHERE id = $1::bigint AND state = 'sent' RETURNING id;

-- name: audit_read
-- What a person read out of an unclear answer.
UPDATE consent_audit SET state = $2::text WHERE id = $1::bigint AND state = 'unclear' RETURNING id;

-- name: audits_silent
-- Silence is no answer; it is counted.
UPDATE consent_audit SET state = 'silent' WHERE state = 'sent' AND expires_at <= $1::timestamptz;

-- name: audit_get
-- A question with what was answered.
SELECT a.id, a.import_id, a.state, a.sent_at, a.answered_at, r.text, s.legal_name, g.name, g.kinds
FROM consent_audit a JOIN consent_import i ON i.id = a.import_id
JOIN programme g ON g.id = i.programme_id JOIN sender s ON s.id = g.sender_id
LEFT JOIN reply r ON r.id = a.reply_id
WHERE a.id = $1::bigint;

-- Voiding ---------------------------------------------------------------------------------

-- name: imports_denied
-- Imports of which somebody said that she never agreed, and that stand still.
SELECT DISTINCT ON (a.import_id) a.import_id, a.id AS audit_id, a.reply_id
FROM consent_audit a JOIN consent_import i ON i.id = a.import_id
WHERE a.state = 'never' AND i.state NOT IN ('voiding', 'voided')
ORDER BY a.import_id, a.id LIMIT $1::int;

-- name: lot_hold
-- The imports of a delivery, held until the transaction ends.
SELECT id, state FROM consent_import WHERE lot = $1::int ORDER BY id FOR UPDATE;

-- name: lot_voiding
-- A delivery is void from now on; what it opened is undone.
UPDATE consent_import SET state = 'voiding', voided_at = $2::timestamptz
WHERE lot = $1::int AND state NOT IN ('voiding', 'voided');

-- name: lot_forget_waiting
-- Nothing of a delivery opens any more.
UPDATE consent_waiting w SET look_at = NULL FROM consent_import i
WHERE i.id = w.import_id AND i.lot = $1::int AND w.opened_at IS NULL;

-- name: lot_look
-- What of a delivery waits may be opened from a time on.
UPDATE consent_waiting w SET look_at = $2::timestamptz FROM consent_import i
WHERE i.id = w.import_id AND i.lot = $1::int AND w.opened_at IS NULL;

-- name: lot_decided
-- A delivery was reviewed.
UPDATE consent_import SET state = $2::text WHERE lot = $1::int AND state = 'review' RETURNING id;

-- name: lot_cancel_audits
-- Nobody is asked about a delivery any more.
UPDATE consent_audit a SET state = 'cancelled' FROM consent_import i
WHERE i.id = a.import_id AND i.lot = $1::int AND a.state = 'waiting';

-- name: campaigns_rest
-- Campaigns of the sender of an import that write to who stands rest, where its delivery opened
-- more than one portion: undoing it takes longer than sending goes on.
UPDATE campaign c SET state = 'paused'
FROM consent_import i JOIN programme g ON g.id = i.programme_id
WHERE i.id = $1::int AND c.sender_id = g.sender_id
    AND (c.state = 'running' OR (c.state = 'done'
        AND EXISTS (SELECT FROM queue q WHERE q.campaign_id = c.id)))
    AND (SELECT sum(w.opened) FROM consent_waiting w JOIN consent_import o ON o.id = w.import_id
        WHERE o.lot = i.lot) > $2::int
RETURNING c.id, c.request;

-- name: campaigns_go_on
-- Campaigns that need not rest go on.
UPDATE campaign SET state = 'running' WHERE id = ANY($1::bigint[]) AND state = 'paused'
    AND NOT EXISTS (SELECT FROM page_use u WHERE u.campaign_id = campaign.id
        AND u.paused_at IS NOT NULL)
RETURNING id;

-- name: programmes_resting
-- Programmes of which nothing leaves by a direct order now: an import that people stand in them by
-- is being undone.
SELECT DISTINCT programme_id FROM consent_import WHERE state = 'voiding';

-- name: queue_rest
-- Direct orders in the programme of an import wait in the queue. What is leased at this moment waits
-- where it is.
UPDATE queue SET held = true WHERE batch_id IN (
    SELECT q.batch_id FROM queue q JOIN batch b ON b.id = q.batch_id
    JOIN consent_import i ON i.programme_id = b.programme_id
    WHERE i.id = $1::int AND q.campaign_id IS NULL AND NOT q.held
    ORDER BY q.batch_id FOR UPDATE OF q SKIP LOCKED);

-- name: queue_go_on
-- Direct orders go on in whose programmes nothing is undone any more.
UPDATE queue SET held = false WHERE batch_id IN (
    SELECT q.batch_id FROM queue q JOIN batch b ON b.id = q.batch_id
    WHERE q.held AND q.campaign_id IS NULL AND NOT EXISTS (SELECT FROM consent_import i
        WHERE i.programme_id = b.programme_id AND i.state = 'voiding')
    ORDER BY q.batch_id FOR UPDATE OF q);

-- name: import_resting
-- Note which campaigns rest because of an import.
UPDATE consent_import SET paused = $2::bigint[] WHERE id = $1::int;

-- name: imports_resting
-- Campaigns that rest because of imports of which nothing stands any more; held.
SELECT id, paused FROM consent_import WHERE state = 'voided' AND paused <> '{}'
ORDER BY id LIMIT $1::int FOR UPDATE;

-- name: void_next
-- Rows of voided imports whose entries stand still.
SELECT w.id, w.import_id, w.first_position, w.opened
FROM consent_waiting w JOIN consent_import i ON i.id = w.import_id
WHERE i.state = 'voiding' AND w.opened > 0 AND w.voided_at IS NULL
ORDER BY w.id LIMIT $1::int;

-- name: void_hold
-- One of them, held until the transaction ends; no row when it was undone meanwhile.
SELECT id FROM consent_waiting WHERE id = $1::bigint AND voided_at IS NULL FOR UPDATE;

-- name: void_done
-- What a row opened is undone.
UPDATE consent_waiting SET voided_at = $2::timestamptz WHERE id = $1::bigint;

-- name: imports_voided
-- Imports of which nothing stands any more.
UPDATE consent_import i SET state = 'voided' WHERE i.state = 'voiding'
    AND NOT EXISTS (SELECT FROM consent_waiting w
        WHERE w.import_id = i.id AND w.opened > 0 AND w.voided_at IS NULL)
RETURNING id;

-- name: entries_between
-- Entries from one position up to another, in order.
SELECT position, body FROM entry WHERE position BETWEEN $1::bigint AND $2::bigint
ORDER BY position;

-- name: imports_of_person
-- Imports by which a person came to stand in programmes of a group.
SELECT DISTINCT i.id, i.lot FROM entry e
JOIN consent_waiting w ON e.position >= w.first_position AND e.position < w.first_position + w.opened
JOIN consent_import i ON i.id = w.import_id
WHERE e.person_id = $1::int AND e.kind = 2 AND e.group_id = $2::int
    AND i.state NOT IN ('voiding', 'voided')
ORDER BY i.id;

-- name: case_put
-- Open a case; one that is open about the same import stays.
INSERT INTO consent_case (kind, import_id, account_id, sender_id, evidence, state, opened_at)
SELECT 'forged_consent', i.id, i.account_id, g.sender_id, $2::text::jsonb, 'open', $3::timestamptz
FROM consent_import i JOIN programme g ON g.id = i.programme_id WHERE i.id = $1::int
ON CONFLICT (import_id) WHERE state = 'open' DO NOTHING RETURNING id;

-- Showing ---------------------------------------------------------------------------------

-- name: lot_shown
-- The imports of a delivery.
SELECT i.id, i.grade, i.source, i.accepted, i.at, i.state, i.findings, g.name AS programme,
    s.credit_code
FROM consent_import i JOIN programme g ON g.id = i.programme_id
JOIN sender s ON s.id = g.sender_id
WHERE i.lot = $1::int ORDER BY i.id;

-- name: imports_shown
-- Imports, the latest first: before an id, of an account or of all (NULL), in a state or any
-- (NULL), one by its id or any (NULL); with answers counted.
SELECT i.id, i.lot, i.grade, i.source, i.accepted, i.refused, i.at, i.state, i.findings,
    i.voided_at, i.key_id, i.actor_id, a.name AS account, g.name AS programme, s.credit_code,
    coalesce(w.opened, 0) AS opened, coalesce(q.asked, 0) AS asked, coalesce(q.yes, 0) AS yes,
    coalesce(q.never, 0) AS never, coalesce(q.silent, 0) AS silent,
    coalesce(q.unclear, 0) AS unclear, coalesce(q.waiting, 0) AS waiting
FROM consent_import i JOIN account a ON a.id = i.account_id
JOIN programme g ON g.id = i.programme_id JOIN sender s ON s.id = g.sender_id
LEFT JOIN LATERAL (SELECT sum(opened) AS opened FROM consent_waiting
    WHERE import_id = i.id) w ON true
LEFT JOIN LATERAL (SELECT count(*) AS asked,
        count(*) FILTER (WHERE state = 'yes') AS yes,
        count(*) FILTER (WHERE state = 'never') AS never,
        count(*) FILTER (WHERE state = 'silent') AS silent,
        count(*) FILTER (WHERE state IN ('unclear', 'refused')) AS unclear,
        count(*) FILTER (WHERE state IN ('waiting', 'sent')) AS waiting
    FROM consent_audit WHERE import_id = i.id) q ON true
WHERE i.id < $1::bigint AND ($2::int IS NULL OR i.account_id = $2::int)
    AND ($3::text IS NULL OR i.state = $3::text) AND ($4::int IS NULL OR i.id = $4::int)
ORDER BY i.id DESC LIMIT $5::int;

-- name: cases_shown
-- Cases, the latest first, before an id, in a state or any (NULL).
SELECT c.id, c.kind, c.import_id, c.state, c.opened_at, c.closed_at, c.evidence,
    a.name AS account, s.credit_code, s.legal_name
FROM consent_case c JOIN account a ON a.id = c.account_id JOIN sender s ON s.id = c.sender_id
WHERE c.id < $1::bigint AND ($2::text IS NULL OR c.state = $2::text)
ORDER BY c.id DESC LIMIT $3::int;

-- name: case_close
-- Close a case; no row where it is closed already.
UPDATE consent_case SET state = 'closed', closed_at = $2::timestamptz
WHERE id = $1::bigint AND state = 'open' RETURNING id, import_id;

-- name: importers
-- Who brought consents from one time to another, and what came of them.
SELECT a.name AS account, a.kind, i.key_id, i.actor_id, count(*) AS imports,
    sum(i.accepted) AS rows,
    count(*) FILTER (WHERE i.findings <> '[]') AS with_findings,
    count(*) FILTER (WHERE i.state IN ('refused')) AS turned_down,
    count(*) FILTER (WHERE i.state IN ('voiding', 'voided')) AS voided,
    coalesce(sum(q.asked), 0)::bigint AS asked, coalesce(sum(q.yes), 0)::bigint AS yes,
    coalesce(sum(q.never), 0)::bigint AS never, coalesce(sum(q.silent), 0)::bigint AS silent
FROM consent_import i JOIN account a ON a.id = i.account_id
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE sent_at IS NOT NULL) AS asked,
        count(*) FILTER (WHERE state = 'yes') AS yes,
        count(*) FILTER (WHERE state = 'never') AS never,
        count(*) FILTER (WHERE state = 'silent') AS silent
    FROM consent_audit WHERE import_id = i.id) q ON true
WHERE i.at >= $1::timestamptz AND i.at < $2::timestamptz
GROUP BY a.name, a.kind, i.key_id, i.actor_id
ORDER BY never DESC, with_findings DESC, rows DESC LIMIT 1000;
