-- Applications, persons, papers, letters.

-- name: admission_account
-- An account as admission sees it.
SELECT a.id, a.name, a.kind, a.status, a.class, a.entity_id, e.credit_code, e.legal_name,
    e.industry, e.status AS entity_status
FROM account a LEFT JOIN entity e ON e.id = a.entity_id WHERE a.id = $1::int;

-- name: admission_account_hold
-- The same account, locked until the transaction ends.
SELECT id, name, kind, status, class, entity_id FROM account WHERE id = $1::int FOR UPDATE;

-- name: admission_account_set
-- Settle what an account is.
UPDATE account SET status = $2::text, entity_id = $3::int, class = $4::text WHERE id = $1::int;

-- name: accounts_provisional
-- Accounts of an entity that wait for better papers.
SELECT id FROM account WHERE entity_id = $1::int AND status = 'provisional' ORDER BY id FOR UPDATE;

-- name: entity_find
-- An entity by its credit code.
SELECT * FROM entity WHERE credit_code = $1::text;

-- name: entity_get
-- An entity.
SELECT * FROM entity WHERE id = $1::int;

-- name: entity_hold
-- An entity, locked until the transaction ends.
SELECT * FROM entity WHERE id = $1::int FOR UPDATE;

-- name: entity_make
-- Make an entity that nobody spoke of before; no row where there is one.
INSERT INTO entity (credit_code, legal_name, kind, industry, founded_on, website, mail_domain,
    created_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::date, $6::text, $7::text, $8::timestamptz)
ON CONFLICT (credit_code) DO NOTHING RETURNING id;

-- name: entity_admit
-- Take over what was claimed of an entity and approved.
UPDATE entity SET legal_name = $2::text, kind = $3::text, industry = $4::text,
    founded_on = $5::date, website = $6::text, mail_domain = $7::text
WHERE id = $1::int;

-- name: entity_status_set
-- Suspend, revoke or restore an entity.
UPDATE entity SET status = $2::text WHERE id = $1::int;

-- name: application_keep
-- Keep what an account claims of an entity; new claims have to be looked at again.
INSERT INTO application (account_id, entity_id, about, claims, state, created_at)
VALUES ($1::int, $2::int, $3::text, $4::text::jsonb, 'submitted', $5::timestamptz)
ON CONFLICT (account_id, entity_id, about) DO UPDATE SET
    claims = excluded.claims,
    state = CASE WHEN application.claims = excluded.claims AND application.state <> 'refused'
        THEN application.state ELSE 'submitted' END
RETURNING id, state;

-- name: application_get
-- An application, and what the entity was admitted for so far.
SELECT p.*, e.credit_code, e.legal_name, e.status AS entity_status, e.industry
FROM application p JOIN entity e ON e.id = p.entity_id WHERE p.id = $1::int;

-- name: applications_of
-- The applications of an account, the oldest first.
SELECT p.*, e.credit_code, e.legal_name, e.status AS entity_status
FROM application p JOIN entity e ON e.id = p.entity_id WHERE p.account_id = $1::int ORDER BY p.id;

-- name: applications_about
-- Who applied with an entity.
SELECT p.*, a.name AS account FROM application p JOIN account a ON a.id = p.account_id
WHERE p.entity_id = $1::int ORDER BY p.id;

-- name: industries_of
-- The industries that an entity is admitted for, or that somebody claims of it.
SELECT industry FROM entity WHERE id = $1::int
UNION SELECT claims->>'industry' FROM application WHERE entity_id = $1::int AND state <> 'refused';

-- name: application_state
-- Settle an application.
UPDATE application SET state = $2::text WHERE id = $1::int;

-- name: application_own_entity
-- The entity that an account applied for as its own, with the account's application.
SELECT p.id, p.entity_id, p.state, p.claims FROM application p
WHERE p.account_id = $1::int AND p.about = 'account' AND p.state <> 'refused'
ORDER BY p.id DESC LIMIT 1;

-- name: application_with
-- Whether an account has to do with an entity: its own, or one to send for.
SELECT p.id, p.entity_id FROM application p JOIN entity e ON e.id = p.entity_id
WHERE p.account_id = $1::int AND e.credit_code = $2::text AND p.state <> 'refused'
ORDER BY p.id LIMIT 1;

-- name: people_end
-- End the persons that an account named for an entity, except these.
UPDATE entity_person SET ended_at = $4::timestamptz
WHERE entity_id = $1::int AND account_id = $2::int AND ended_at IS NULL
    AND id <> ALL ($3::bigint[]);

-- name: person_find
-- A person that an account named for an entity in a role.
SELECT id FROM entity_person WHERE entity_id = $1::int AND account_id = $2::int AND role = $3::text
    AND person = $4::bytea AND name = $5::bytea AND phone = $6::bytea AND ended_at IS NULL;

-- name: person_insert
-- Keep a person behind an entity; one of the same number and role takes the place of the former.
INSERT INTO entity_person (entity_id, account_id, role, person, name, phone, sealed, created_at,
    findings)
VALUES ($1::int, $2::int, $3::text, $4::bytea, $5::bytea, $6::bytea, $7::bytea, $8::timestamptz,
    $9::text[])
ON CONFLICT (entity_id, account_id, role, person) WHERE ended_at IS NULL DO UPDATE SET
    name = excluded.name, phone = excluded.phone, sealed = excluded.sealed, matched = 'unknown',
    match_source = '', findings = excluded.findings
RETURNING id;

-- name: people_about
-- The persons behind an entity, as an account (or, NULL, anybody) named them.
SELECT * FROM entity_person WHERE entity_id = $1::int AND ended_at IS NULL
    AND ($2::int IS NULL OR account_id = $2::int) ORDER BY id;

-- name: people_companies
-- Behind how many entities the legal and responsible persons of an application stand in that role.
SELECT p.role, max((SELECT count(DISTINCT o.entity_id) FROM entity_person o
    WHERE o.person = p.person AND o.role = p.role AND o.ended_at IS NULL))::int AS companies
FROM entity_person p WHERE p.entity_id = $1::int AND p.account_id = $2::int
    AND p.ended_at IS NULL AND p.role IN ('legal', 'responsible')
GROUP BY p.role ORDER BY p.role;

-- name: person_hold
-- A person behind an entity, locked.
SELECT * FROM entity_person WHERE id = $1::bigint AND ended_at IS NULL FOR UPDATE;

-- name: person_matched
-- Keep what a real-name check said.
UPDATE entity_person SET matched = $2::text, match_source = $3::text WHERE id = $1::bigint;

-- name: people_ever
-- The persons behind an entity whom anybody ever named.
SELECT person, sealed FROM entity_person WHERE entity_id = $1::int ORDER BY id;

-- name: papers_standing
-- The papers of entities that were not refused or taken back.
SELECT id, entity_id, account_id, kind, seen, state, valid_from, valid_to, provisional_until, scope
FROM document WHERE entity_id = ANY ($1::int[]) AND state IN ('in_process', 'submitted', 'accepted')
ORDER BY id;

-- name: paper_file_put
-- Keep the sealed octets of a paper, once.
INSERT INTO paper_file (sha256, media_type, octets, sealed)
VALUES ($1::bytea, $2::text, $3::int, $4::bytea) ON CONFLICT (sha256) DO NOTHING;

-- name: paper_file_get
-- The sealed octets of a paper.
SELECT media_type, octets, sealed FROM paper_file WHERE sha256 = $1::bytea;

-- name: document_same
-- A paper that an account handed in before, word for word, and that waits or was accepted.
SELECT id FROM document WHERE account_id = $1::int AND entity_id = $2::int AND kind = $3::text
    AND number = $4::text AND holder = $5::text AND scope = $6::text[]
    AND valid_from IS NOT DISTINCT FROM $7::date AND valid_to IS NOT DISTINCT FROM $8::date
    AND file_sha256 IS NOT DISTINCT FROM $9::bytea AND state IN ('in_process', 'submitted', 'accepted')
ORDER BY id LIMIT 1;

-- name: document_insert
-- Keep a paper.
INSERT INTO document (entity_id, kind, number, holder, scope, valid_from, valid_to, file_sha256,
    state, seen, account_id, created_at)
VALUES ($1::int, $2::text, $3::text, $4::text, $5::text[], $6::date, $7::date, $8::bytea, $9::text,
    $10::text, $11::int, $12::timestamptz)
RETURNING id;

-- name: documents_waiting_of
-- How many papers of an account wait.
SELECT count(*) FROM document WHERE account_id = $1::int AND state IN ('in_process', 'submitted');

-- name: documents_of
-- The papers that an account handed in, newest first, before a cursor.
SELECT d.*, e.credit_code, e.legal_name FROM document d JOIN entity e ON e.id = d.entity_id
WHERE d.account_id = $1::int AND ($2::bigint = 0 OR d.id < $2::bigint)
ORDER BY d.id DESC LIMIT $3::int;

-- name: documents_about
-- Every paper of an entity.
SELECT d.*, e.credit_code, e.legal_name FROM document d JOIN entity e ON e.id = d.entity_id
WHERE d.entity_id = $1::int ORDER BY d.id;

-- name: document_get
-- A paper, of one account or (NULL) of any.
SELECT d.*, e.credit_code, e.legal_name, e.industry FROM document d
    JOIN entity e ON e.id = d.entity_id
WHERE d.id = $1::bigint AND ($2::int IS NULL OR d.account_id = $2::int);

-- name: document_hold
-- A paper, locked until the transaction ends.
SELECT * FROM document WHERE id = $1::bigint FOR UPDATE;

-- name: document_settle
-- Settle a paper: where it stands, and until when a scan opens anything.
UPDATE document SET state = $2::text, provisional_until = $3::date WHERE id = $1::bigint;

-- name: document_seen
-- A paper was seen better than before; what a scan opened for a while is over.
UPDATE document SET seen = $2::text,
    provisional_until = CASE WHEN $2::text = 'scan' THEN provisional_until END
WHERE id = $1::bigint;

-- name: document_sight_insert
-- Keep who saw a paper in which way, and what shows it.
INSERT INTO document_sight (document_id, way, at, by_whom, key_id, evidence)
VALUES ($1::bigint, $2::text, $3::timestamptz, $4::text, $5::int, $6::text::jsonb)
RETURNING id;

-- name: document_sights
-- How papers were seen, in order.
SELECT * FROM document_sight WHERE document_id = ANY ($1::bigint[]) ORDER BY id;

-- name: letter_insert
-- Keep an authorisation.
INSERT INTO authorisation (principal_id, agent_id, via_id, document_id, purposes, signatures,
    valid_from, valid_to, state, created_at)
VALUES ($1::int, $2::int, $3::int, $4::bigint, $5::smallint, $6::text[], $7::date, $8::date,
    'submitted', $9::timestamptz)
RETURNING id;

-- name: letter_same
-- An authorisation that was handed in before and waits or was accepted.
SELECT id FROM authorisation WHERE principal_id = $1::int AND agent_id = $2::int
    AND via_id IS NOT DISTINCT FROM $3::int AND document_id = $4::bigint
    AND purposes = $5::smallint AND signatures = $6::text[] AND valid_from = $7::date
    AND valid_to = $8::date AND state IN ('submitted', 'accepted')
ORDER BY id LIMIT 1;

-- name: letter_get
-- An authorisation with the codes of its parties.
SELECT l.*, p.credit_code AS principal, p.legal_name AS principal_name, p.industry,
    g.credit_code AS agent, g.legal_name AS agent_name, d.state AS document_state,
    d.seen AS document_seen
FROM authorisation l JOIN entity p ON p.id = l.principal_id JOIN entity g ON g.id = l.agent_id
    LEFT JOIN document d ON d.id = l.document_id
WHERE l.id = $1::int;

-- name: letters_of
-- The authorisations that an entity holds or gave.
SELECT l.*, p.credit_code AS principal, p.legal_name AS principal_name, p.industry,
    g.credit_code AS agent, g.legal_name AS agent_name, d.state AS document_state,
    d.seen AS document_seen
FROM authorisation l JOIN entity p ON p.id = l.principal_id JOIN entity g ON g.id = l.agent_id
    LEFT JOIN document d ON d.id = l.document_id
WHERE l.agent_id = $1::int OR l.principal_id = $1::int ORDER BY l.id;

-- name: letters_handed_in
-- The authorisations whose letters an account handed in itself.
SELECT l.*, p.credit_code AS principal, p.legal_name AS principal_name, p.industry,
    g.credit_code AS agent, g.legal_name AS agent_name, d.state AS document_state,
    d.seen AS document_seen
FROM authorisation l JOIN entity p ON p.id = l.principal_id JOIN entity g ON g.id = l.agent_id
    JOIN document d ON d.id = l.document_id
WHERE d.account_id = $1::int ORDER BY l.id;

-- name: letter_state
-- Settle an authorisation.
UPDATE authorisation SET state = $2::text WHERE id = $1::int;

-- name: letter_in_force
-- Whether an entity may send for another on a day.
SELECT EXISTS (SELECT FROM authorisation l LEFT JOIN authorisation v ON v.id = l.via_id
    WHERE l.principal_id = $1::int AND l.agent_id = $2::int AND l.state = 'accepted'
        AND $3::date BETWEEN l.valid_from AND l.valid_to
        AND (l.via_id IS NULL OR (v.state = 'accepted'
            AND $3::date BETWEEN v.valid_from AND v.valid_to)));

-- name: group_of_own
-- A group for a sender that is admitted: of its legal name ($1) and, where a group of that name is
-- somebody else's, its credit code ($2). Nobody gets into a group by what it is called.
INSERT INTO sender_group (name) SELECT CASE WHEN EXISTS (SELECT FROM sender_group g
    JOIN sender s ON s.group_id = g.id WHERE g.name = $1::text AND s.credit_code <> $2::text)
    THEN $1::text || ' ' || $2::text ELSE $1::text END
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id;

-- name: sender_admit
-- Make the sender of an entity, or take over what was approved anew. Its group stays.
INSERT INTO sender (group_id, credit_code, legal_name, contact, industry, created_at, entity_id)
VALUES ($1::int, $2::text, $3::text, $4::text, $5::text, $6::timestamptz, $7::int)
ON CONFLICT (credit_code) DO UPDATE SET legal_name = excluded.legal_name,
    contact = CASE WHEN excluded.contact = '' THEN sender.contact ELSE excluded.contact END,
    industry = excluded.industry, entity_id = excluded.entity_id
RETURNING id;

-- name: papers_ending
-- Accepted papers and letters that end within so many days of a day and of which was not warned at
-- the mark that is reached, and who is to hear of it: an account, or those of an entity. $1 today,
-- $2 marks.
SELECT 'document' AS what, d.id, d.entity_id, d.account_id, d.valid_to, m.mark, d.kind,
    d.account_id AS to_account, d.entity_id AS to_entity
FROM document d, LATERAL (SELECT min(days) AS mark FROM unnest($2::int[]) AS days
    WHERE d.valid_to - $1::date <= days) m
WHERE d.state = 'accepted' AND d.valid_to >= $1::date AND m.mark IS NOT NULL
    AND NOT EXISTS (SELECT FROM expiry_warning w WHERE w.what = 'document' AND w.subject = d.id
        AND w.valid_to = d.valid_to AND w.days <= m.mark)
UNION ALL
SELECT 'letter', l.id, l.principal_id, a.id, l.valid_to, m.mark, 'authorisation_letter',
    NULL::int, l.agent_id
FROM authorisation l LEFT JOIN LATERAL (SELECT id FROM account WHERE entity_id = l.agent_id
        ORDER BY id LIMIT 1) a ON true,
    LATERAL (SELECT min(days) AS mark FROM unnest($2::int[]) AS days
    WHERE l.valid_to - $1::date <= days) m
WHERE l.state = 'accepted' AND l.valid_to >= $1::date AND m.mark IS NOT NULL
    AND NOT EXISTS (SELECT FROM expiry_warning w WHERE w.what = 'letter' AND w.subject = l.id
        AND w.valid_to = l.valid_to AND w.days <= m.mark)
ORDER BY 5, 1, 2;

-- name: expiry_warned
-- Keep that was warned; no row when another process did.
INSERT INTO expiry_warning (what, subject, valid_to, days, at)
VALUES ($1::text, $2::bigint, $3::date, $4::smallint, $5::timestamptz)
ON CONFLICT DO NOTHING RETURNING subject;

-- name: staff_acts_about
-- What staff did to some subjects, in order.
SELECT id, at, account_id, key_id, actor_id, what, subject, before, after FROM staff_act
WHERE subject = ANY ($1::text[]) ORDER BY id;
