-- The operator's document: entities, papers and letters.

-- name: register_entity
-- Make or change an entity. How it stands stays: that is decided by people.
INSERT INTO entity (credit_code, legal_name, kind, industry, founded_on, website, mail_domain,
    created_at)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::date, $6::text, $7::text, $8::timestamptz)
ON CONFLICT (credit_code) DO UPDATE SET legal_name = excluded.legal_name, kind = excluded.kind,
    industry = excluded.industry, founded_on = excluded.founded_on, website = excluded.website,
    mail_domain = excluded.mail_domain
RETURNING id;

-- name: register_entity_id
-- An entity by its credit code.
SELECT id FROM entity WHERE credit_code = $1::text;

-- name: register_paper
-- The paper of an entity with a kind and number.
SELECT id, seen, valid_to FROM document
WHERE entity_id = $1::int AND kind = $2::text AND number = $3::text AND state = 'accepted'
ORDER BY id DESC LIMIT 1;

-- name: register_paper_insert
-- A paper that was accepted; no row for one with that term that was turned down or taken back
-- since: whoever did so is not overruled by filing the same again.
INSERT INTO document (entity_id, kind, number, holder, scope, valid_from, valid_to, state, seen,
    provisional_until, created_at)
SELECT $1::int, $2::text, $3::text, $4::text, $5::text[], $6::date, $7::date, 'accepted', $8::text,
    $9::date, $10::timestamptz
WHERE NOT EXISTS (SELECT FROM document WHERE entity_id = $1::int AND kind = $2::text
    AND number = $3::text AND valid_from IS NOT DISTINCT FROM $6::date
    AND valid_to IS NOT DISTINCT FROM $7::date AND state IN ('refused', 'withdrawn'))
RETURNING id;

-- name: register_paper_change
-- What a paper states, as filed again.
UPDATE document SET holder = $2::text, scope = $3::text[], valid_from = $4::date,
    valid_to = $5::date, seen = $6::text, provisional_until = $7::date
WHERE id = $1::bigint;

-- name: register_sight
-- Who saw a paper, how, and what shows it.
INSERT INTO document_sight (document_id, way, at, by_whom, evidence)
VALUES ($1::bigint, $2::text, $3::timestamptz, $4::text, $5::text::jsonb);

-- name: register_letter_id
-- A letter by its two sides and what it stands on.
SELECT id FROM authorisation
WHERE principal_id = $1::int AND agent_id = $2::int AND via_id IS NOT DISTINCT FROM $3::int
    AND state = 'accepted'
ORDER BY id DESC LIMIT 1;

-- name: register_letter_insert
-- A letter that was accepted; nothing where one with that term was taken back since.
INSERT INTO authorisation (principal_id, agent_id, via_id, purposes, signatures, valid_from,
    valid_to, state, created_at)
SELECT $1::int, $2::int, $3::int, $4::smallint, $5::text[], $6::date, $7::date, 'accepted',
    $8::timestamptz
WHERE NOT EXISTS (SELECT FROM authorisation WHERE principal_id = $1::int AND agent_id = $2::int
    AND via_id IS NOT DISTINCT FROM $3::int AND valid_from = $6::date AND valid_to = $7::date
    AND state IN ('refused', 'revoked'));

-- name: register_letter_change
-- What a letter allows, as filed again.
UPDATE authorisation SET purposes = $2::smallint, signatures = $3::text[], valid_from = $4::date,
    valid_to = $5::date
WHERE id = $1::int;

-- name: register_account_entity
-- Whose account it is.
UPDATE account SET entity_id = $2::int WHERE id = $1::int;
