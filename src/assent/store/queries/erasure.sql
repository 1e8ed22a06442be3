-- Erasure, numbers with new holders, and the keeping of evidence.

-- name: people_make
-- Make people for numbers, or nobody, where a number is marked.
SELECT people_make($1::bigint[], $2::bytea[], $3::timestamptz, $4::bytea[]);

-- name: number_marks_among
-- Which of some digests are marks: asked in a statement of its own behind the making of people, so
-- that a mark whose erasure they waited for is seen.
SELECT n.digest FROM unnest($1::bytea[]) AS new (d) JOIN number_mark n ON n.digest = new.d;

-- name: number_marks_put
-- Mark numbers; one that is marked stays as it is.
INSERT INTO number_mark (digest, why, month)
SELECT d, $2::text, date_trunc('month', $3::timestamptz, 'UTC') AT TIME ZONE 'UTC'
FROM unnest($1::bytea[]) AS new (d)
ON CONFLICT (digest) DO NOTHING;

-- name: number_mark_drop
-- A receiver does not want the mark, and was told what it is for.
DELETE FROM number_mark WHERE digest = $1::bytea;

-- name: erasure_person_hold
-- Who has a number, held so that nobody else erases it or gives it away.
SELECT id, created_at FROM person WHERE msisdn = $1::bigint FOR UPDATE;

-- name: erasure_person_again
-- A person by id, held the same way.
SELECT id, msisdn FROM person WHERE id = $1::int AND msisdn IS NOT NULL FOR UPDATE;

-- name: legal_holds_in_force
-- What keeps some people from being erased now.
SELECT person_id, max(until) AS until, bool_or(until IS NULL) AS open FROM legal_hold
WHERE person_id = ANY($1::int[]) AND lifted_at IS NULL
    AND (until IS NULL OR until > $2::timestamptz)
GROUP BY person_id;

-- name: legal_hold_put
-- Hold what is known of a person.
INSERT INTO legal_hold (person_id, why, until, at)
VALUES ($1::int, $2::text, $3::timestamptz, $4::timestamptz) RETURNING id;

-- name: legal_hold_lift
-- Lift a hold, and with it forget the number that it kept.
UPDATE legal_hold SET lifted_at = $2::timestamptz, sealed = NULL
WHERE id = $1::bigint AND lifted_at IS NULL RETURNING id;

-- name: legal_holds_over
-- Holds whose time is over forget the numbers that they kept.
UPDATE legal_hold SET sealed = NULL WHERE sealed IS NOT NULL AND until <= $1::timestamptz;

-- name: legal_holds_page
-- Holds in force after one.
SELECT id, person_id, why, until, at FROM legal_hold
WHERE id > $1::bigint AND lifted_at IS NULL AND (until IS NULL OR until > $2::timestamptz)
ORDER BY id LIMIT $3::int;

-- name: legal_hold_number
-- Keep the number of a person on hold that gets a new holder.
UPDATE legal_hold SET sealed = $2::bytea
WHERE person_id = $1::int AND lifted_at IS NULL AND (until IS NULL OR until > $3::timestamptz);

-- name: erasure_put
-- Note that a person is erased, or waits for it.
INSERT INTO erasure (person_id, cause, ground, keep_mark, state, sealed, at, texts_due)
VALUES ($1::int, $2::text, $3::text, $4::boolean, $5::text, $6::bytea, $7::timestamptz,
    $8::timestamptz)
ON CONFLICT (person_id) DO UPDATE SET keep_mark = excluded.keep_mark, state = excluded.state,
    sealed = excluded.sealed, at = excluded.at, texts_due = excluded.texts_due
WHERE erasure.state = 'held' RETURNING id;

-- name: erasures_held
-- Erasures that waited for a hold which is over.
SELECT e.person_id, e.cause, e.ground, e.keep_mark FROM erasure e
WHERE e.state = 'held' AND NOT EXISTS (SELECT FROM legal_hold h WHERE h.person_id = e.person_id
    AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $1::timestamptz))
ORDER BY e.id LIMIT $2::int;

-- name: receiver_forget
-- A person's sessions on the receivers' page end; codes to her open nothing.
WITH sessions AS (DELETE FROM receiver_session WHERE person_id = $1::int)
DELETE FROM receiver_code WHERE person_id = $1::int;

-- name: erasure_void
-- An erasure that waited has nobody to erase any more: the number has a new holder.
UPDATE erasure SET state = 'done', done_at = $2::timestamptz
WHERE person_id = $1::int AND state = 'held';

-- name: erasures_page
-- Erasures after one.
SELECT id, person_id, cause, ground, keep_mark, state, at, done_at, texts_due FROM erasure
WHERE id > $1::bigint ORDER BY id LIMIT $2::int;

-- name: person_forget
-- Number and secret of people are gone.
UPDATE person SET msisdn = NULL, secret = NULL WHERE id = ANY($1::int[]);

-- name: person_numbers_off
-- People whose number has a new holder: what is written down about them stays provable.
UPDATE person SET msisdn = NULL WHERE id = ANY($1::int[]);

-- name: replies_forget
-- What a person wrote; nobody reads an unclear reply of hers any more.
UPDATE reply SET text = '', reviewed_at = coalesce(reviewed_at, $2::timestamptz)
WHERE person_id = $1::int;

-- name: inbound_unread_forget
-- What a person wrote and nobody read yet.
DELETE FROM inbound WHERE person_id = $1::int AND reply_id IS NULL;

-- name: invitations_forget
-- Questions to a person that are open lapse.
UPDATE member_invitation SET state = 'lapsed' WHERE person_id = ANY($1::int[])
    AND state IN ('waiting', 'sent');

-- name: confirmations_forget
-- Confirmations to people who are over have nowhere to go.
UPDATE confirmation SET state = 'unroutable' WHERE person_id = ANY($1::int[]) AND state = 'waiting';

-- name: help_answers_forget
-- Answers to people who are over have nowhere to go.
UPDATE help_answer SET state = 'unroutable' WHERE person_id = ANY($1::int[]) AND state = 'waiting';

-- name: traces_jobs
-- Erased people whose traces are to be looked for now: at once, and again when no late report can
-- come any more (those erased before $1).
SELECT id, person_id, sealed, at < $1::timestamptz AS late FROM erasure
WHERE state = 'cleaning' AND (walked_at IS NULL OR at < $1::timestamptz)
ORDER BY id LIMIT $2::int;

-- name: traces_walked
-- A first walk is done.
UPDATE erasure SET walked_at = $2::timestamptz WHERE id = ANY($1::bigint[]);

-- name: traces_texts_due
-- Erased people whose messages' texts need not be kept any more, but for those on legal hold.
SELECT e.id, e.person_id FROM erasure e WHERE e.texts_due <= $1::timestamptz
    AND NOT EXISTS (SELECT FROM legal_hold h WHERE h.person_id = e.person_id
        AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $1::timestamptz))
ORDER BY e.id LIMIT $2::int;

-- name: traces_done
-- Nothing of these numbers is left.
UPDATE erasure SET state = 'done', sealed = NULL, done_at = $2::timestamptz
WHERE id = ANY($1::bigint[]) AND state = 'cleaning';

-- name: traces_texts_done
-- The texts of messages to these people are gone.
UPDATE erasure SET texts_due = NULL WHERE id = ANY($1::bigint[]);

-- name: traces_batches
-- People of the next batches, and whether their variables hold a number ($3: as octets).
SELECT id, people, variables IS NOT NULL AND EXISTS (
    SELECT FROM unnest($3::bytea[]) AS wanted (digits)
    WHERE position(wanted.digits IN variables) > 0) AS named
FROM batch WHERE id > $1::bigint ORDER BY id LIMIT $2::int;

-- name: traces_batches_hold
-- The texts of some batches.
SELECT id, people, content, variables FROM batch WHERE id = ANY($1::bigint[]) FOR UPDATE;

-- name: traces_batch_put
-- A batch without what is erased.
UPDATE batch SET content = $2::text, variables = $3::bytea WHERE id = $1::bigint;

-- name: traces_receipts
-- The last of the next raw reports, and those of them that hold a number.
WITH page AS (SELECT id, raw FROM receipt_log WHERE id > $1::bigint ORDER BY id LIMIT $2::int)
SELECT (SELECT max(id) FROM page) AS last, hit.id, hit.raw FROM (SELECT) AS one
LEFT JOIN (SELECT page.id, page.raw FROM page WHERE EXISTS (
    SELECT FROM unnest($3::bytea[]) AS wanted (digits) WHERE position(wanted.digits IN page.raw) > 0)
) AS hit ON true;

-- name: traces_receipt_put
-- A raw report without the number.
UPDATE receipt_log SET raw = $2::bytea WHERE id = $1::bigint;

-- name: traces_parked
-- The same of parked reports.
WITH page AS (SELECT id, raw FROM receipt_parked WHERE id > $1::bigint ORDER BY id LIMIT $2::int)
SELECT (SELECT max(id) FROM page) AS last, hit.id, hit.raw FROM (SELECT) AS one
LEFT JOIN (SELECT page.id, page.raw FROM page WHERE EXISTS (
    SELECT FROM unnest($3::bytea[]) AS wanted (digits) WHERE position(wanted.digits IN page.raw) > 0)
) AS hit ON true;

-- name: traces_parked_put
-- A parked report without the number.
UPDATE receipt_parked SET raw = $2::bytea WHERE id = $1::bigint;

-- name: traces_inbound
-- Empty what people wrote, among the next messages; return the last of them.
WITH page AS (SELECT id, person_id FROM inbound WHERE id > $1::bigint ORDER BY id LIMIT $2::int),
emptied AS (
    UPDATE inbound i SET content = '' FROM page
    WHERE i.id = page.id AND page.person_id = ANY($3::int[]) AND i.content <> ''
)
SELECT max(id) FROM page;

-- name: traces_events
-- The last of the next events, and what those of them tell that are replies.
WITH page AS (SELECT seq, kind, payload FROM event WHERE seq > $1::bigint ORDER BY seq LIMIT $2::int)
SELECT (SELECT max(seq) FROM page) AS last, hit.seq AS id, hit.payload AS body FROM (SELECT) AS one
LEFT JOIN (SELECT page.seq, page.payload FROM page WHERE page.kind = 'reply') AS hit ON true;

-- name: traces_event_put
-- An event without what is erased.
UPDATE event SET payload = $2::bytea WHERE seq = $1::bigint;

-- name: traces_parcels
-- The next parcels for customers' links.
SELECT id, body FROM parcel WHERE id > $1::bigint ORDER BY id LIMIT $2::int;

-- name: traces_parcel_put
-- A parcel without what is erased.
UPDATE parcel SET body = $2::bytea WHERE id = $1::bigint;

-- name: traces_audiences
-- People of the next chunks of uploads, and whether their columns hold a number ($4: as octets).
SELECT audience_id, number, people, EXISTS (
    SELECT FROM unnest($4::bytea[]) AS wanted (digits)
    WHERE position(wanted.digits IN variables) > 0) AS named
FROM audience_chunk
WHERE (audience_id, number) > ($1::bigint, $2::int) AND variables IS NOT NULL
ORDER BY audience_id, number LIMIT $3::int;

-- name: traces_audience_hold
-- The columns of a chunk.
SELECT people, variables FROM audience_chunk
WHERE audience_id = $1::bigint AND number = $2::int FOR UPDATE;

-- name: traces_audience_put
-- A chunk without what is erased.
UPDATE audience_chunk SET variables = $3::bytea WHERE audience_id = $1::bigint AND number = $2::int;

-- name: reassigned_people
-- Who has some numbers, since when, and when the person did something herself last: an entry of
-- origin or grade RECEIVER (octets 7 and 8 of its canonical bytes), or a reply. Held, so that nobody
-- else erases them.
SELECT p.id, p.msisdn, p.created_at,
    (SELECT max(e.at) FROM entry e WHERE e.person_id = p.id 
        AND (get_byte(e.body, 6) = 2 OR get_byte(e.body, 7) = 3)) AS acted,
    (SELECT max(r.at) FROM reply r WHERE r.person_id = p.id) AS replied
FROM person p WHERE p.msisdn = ANY($1::bigint[]) ORDER BY p.id FOR UPDATE OF p;

-- name: reassignment_file_same
-- What came of the same file of a source before.
SELECT id, rows, faulty, closed, unknown, later FROM reassignment_file
WHERE source = $1::text AND dated = $2::date AND sha256 = $3::bytea;

-- name: reassignment_file_put
-- Note a carrier's file.
INSERT INTO reassignment_file (source, dated, sha256, rows, faulty, closed, unknown, later, at,
    account_id, key_id, actor_id)
VALUES ($1::text, $2::date, $3::bytea, $4::int, $5::int, $6::int, $7::int, $8::int,
    $9::timestamptz, $10::int, $11::int, $12::int)
RETURNING id;

-- name: reassignment_sources
-- What each source told so far.
SELECT source, count(*) AS files, max(dated) AS last_dated, sum(rows) AS rows,
    sum(faulty) AS faulty, sum(closed) AS closed, sum(unknown) AS unknown, sum(later) AS later
FROM reassignment_file GROUP BY source ORDER BY source;

-- name: programme_end_put
-- A programme ends for all who stand in it now.
INSERT INTO programme_end (programme_id, at, position)
SELECT $1::int, $2::timestamptz, next - 1 FROM entry_position RETURNING position;

-- name: programme_ends_open
-- Programmes that ended and whose consents did not all expire yet.
SELECT id, programme_id, position FROM programme_end WHERE done_at IS NULL ORDER BY id LIMIT 1;

-- name: programme_end_done
-- All consents of an ended programme expired.
UPDATE programme_end SET done_at = $2::timestamptz WHERE id = $1::bigint;

-- name: standing_until_position
-- People whose consent in a programme is not newer than a position.
SELECT person_id FROM standing WHERE programme_id = $1::int AND position <= $2::bigint
ORDER BY person_id LIMIT $3::int;

-- name: standing_of_some
-- The grants by which some people stand in some programmes.
SELECT programme_id, person_id, position FROM standing
WHERE programme_id = ANY($1::int[]) AND person_id = ANY($2::int[]);

-- name: standing_old
-- People behind one, whose consent in a programme was recorded before a time.
SELECT s.person_id, s.position, p.msisdn FROM standing s
JOIN entry e ON e.position = s.position
JOIN person p ON p.id = s.person_id
WHERE s.programme_id = $1::int AND s.person_id > $2::int AND e.at < $3::timestamptz
ORDER BY s.person_id LIMIT $4::int;

-- name: people_written_to
-- Who was written to for a programme, in batches made from an id on: the columns, one after another.
SELECT people FROM batch WHERE programme_id = $1::int AND id >= $2::bigint
    AND port_id IN (SELECT id FROM port WHERE sender_id = $3::int);

-- name: consent_evidence_put
-- Keep a file that backs consents; one that was removed is kept anew.
INSERT INTO consent_evidence (account_id, sha256, media_type, octets, sealed, at)
VALUES ($1::int, $2::bytea, $3::text, $4::int, $5::bytea, $6::timestamptz)
ON CONFLICT (account_id, sha256) DO UPDATE
SET sealed = excluded.sealed, at = excluded.at, removed_at = NULL, ended_on = NULL
WHERE consent_evidence.sealed IS NULL;

-- name: consent_evidence_count
-- How many files are kept for an account.
SELECT count(*) FROM consent_evidence WHERE account_id = $1::int AND sealed IS NOT NULL;

-- name: consent_evidence_get
-- A file of some accounts ($1; NULL: of anybody's) by its digest.
SELECT id, account_id, media_type, octets, sealed, at, ended_on, removed_at FROM consent_evidence
WHERE sha256 = $2::bytea AND ($1::int[] IS NULL OR account_id = ANY($1::int[]))
ORDER BY id LIMIT 1;

-- name: consent_evidence_hold
-- The same, as long as it is kept, held so that it is not removed meanwhile.
SELECT id FROM consent_evidence
WHERE id = $1::bigint AND sealed IS NOT NULL FOR SHARE;

-- name: consent_evidence_range_put
-- A file backs some entries.
INSERT INTO consent_evidence_range (evidence_id, first, last, programme_id)
VALUES ($1::bigint, $2::bigint, $3::bigint, $4::int);

-- name: consent_evidence_page
-- The next files that are kept: whether any consent stands on them, and whether a legal hold of one
-- of the people whom they back keeps them.
SELECT c.id, c.at, c.ended_on,
    EXISTS (SELECT FROM consent_evidence_range r
        JOIN standing s ON s.programme_id = r.programme_id AND s.position BETWEEN r.first AND r.last
        WHERE r.evidence_id = c.id AND (s.until IS NULL OR s.until > $2::timestamptz)) AS runs,
    EXISTS (SELECT FROM legal_hold h
        JOIN entry e ON e.person_id = h.person_id
        JOIN consent_evidence_range r ON r.evidence_id = c.id AND e.position BETWEEN r.first AND r.last
        WHERE h.lifted_at IS NULL AND (h.until IS NULL OR h.until > $2::timestamptz)) AS held
FROM consent_evidence c WHERE c.id > $1::bigint AND c.sealed IS NOT NULL
ORDER BY c.id LIMIT $3::int FOR UPDATE OF c;

-- name: consent_evidence_ended
-- Since when no consent stands on a file; NULL where one does again.
UPDATE consent_evidence SET ended_on = $2::date WHERE id = $1::bigint;

-- name: consent_evidence_remove
-- A file need not be kept any more: its digest stays.
UPDATE consent_evidence SET sealed = NULL, removed_at = $2::timestamptz
WHERE id = $1::bigint AND sealed IS NOT NULL;

-- name: sealed_erasures
-- Sealed numbers of erased people after one.
SELECT id AS key, person_id, sealed FROM erasure
WHERE sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_erasure
-- Put one back sealed with another key.
UPDATE erasure SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;

-- name: sealed_legal_holds
-- Sealed numbers of people on legal hold after one.
SELECT id AS key, person_id, sealed FROM legal_hold
WHERE sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_legal_hold
-- Put one back sealed with another key.
UPDATE legal_hold SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;

-- name: sealed_consent_evidence
-- Sealed files that back consents after one. Few at once: they are large.
SELECT id AS key, account_id, sha256, sealed FROM consent_evidence
WHERE sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT least($2::int, 4);

-- name: reseal_consent_evidence
-- Put one back sealed with another key.
UPDATE consent_evidence SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;
