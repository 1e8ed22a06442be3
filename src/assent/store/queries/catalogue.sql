-- Who sends: small tables, read whole.

-- name: accounts_all
-- Every account.
SELECT id, name, kind, status, price_micro, price_video_micro, entity_id, class, currency,
    parent_id
FROM account;

-- name: senders_all
-- Every sender.
SELECT id, group_id, credit_code, legal_name, contact, industry, status, entity_id FROM sender;

-- name: programmes_all
-- Every programme.
SELECT id, sender_id, name, purposes, wording_version, channel FROM programme;

-- name: templates_all
-- Every version of every template.
SELECT id, sender_id, name, purpose, body, basis, status, version FROM template;

-- name: hosts_all
-- Hosts that senders' links may lead to.
SELECT sender_id, host FROM filed_host WHERE state = 'active';

-- name: ports_all
-- Every port, also revoked and recycled ones as long as replies to them still count.
SELECT p.id, p.number, p.carrier, p.sender_id, p.purpose, p.signature, p.programme_id,
    p.free_to_reply, p.service_code, p.status, p.signature_lapsed_at, c.scope
FROM port p LEFT JOIN code_number c ON c.id = p.code_number_id WHERE p.answers;

-- name: entities_all
-- Every legal entity, as far as it decides who may send.
SELECT id, industry, status FROM entity;

-- name: papers_all
-- What was handed in and neither refused nor taken back.
SELECT id, entity_id, kind, seen, state, valid_from, valid_to, provisional_until, scope
FROM document WHERE state IN ('submitted', 'accepted');

-- name: letters_all
-- Letters of authorisation that hold or held.
SELECT id, principal_id, agent_id, via_id, purposes, signatures, valid_from, valid_to, state
FROM authorisation WHERE state IN ('accepted', 'revoked');

-- name: class_stops
-- Classes of traffic that are or will be switched off.
SELECT industries, purposes, except_licensed, since, until FROM class_stop
WHERE lifted_at IS NULL;

-- name: account_senders
-- Which account acts for which sender.
SELECT account_id, sender_id FROM account_sender;

-- name: account_put
-- Make or change an account. How it stands stays: that is decided by people.
INSERT INTO account (name, kind, price_micro, created_at, price_video_micro, status, class)
VALUES ($1::text, $2::text, $3::bigint, $4::timestamptz, $5::bigint, $6::text, $7::text)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, price_micro = excluded.price_micro,
    price_video_micro = excluded.price_video_micro, class = excluded.class
RETURNING id;

-- name: balance_open
-- Give an account its row of money.
INSERT INTO balance (account_id, available) VALUES ($1::int, 0) ON CONFLICT DO NOTHING;

-- name: group_put
-- Make a group of senders.
INSERT INTO sender_group (name) VALUES ($1::text)
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id;

-- name: sender_put
-- Make or change a sender. Its group stays: regrouping is a case of its own.
INSERT INTO sender (group_id, credit_code, legal_name, contact, industry, created_at, entity_id)
VALUES ($1::int, $2::text, $3::text, $4::text, $5::text, $6::timestamptz, $7::int)
ON CONFLICT (credit_code) DO UPDATE SET legal_name = excluded.legal_name,
    contact = excluded.contact, industry = excluded.industry, entity_id = excluded.entity_id
RETURNING id;

-- name: account_sender_put
-- Let an account act for a sender.
INSERT INTO account_sender (account_id, sender_id) VALUES ($1::int, $2::int)
ON CONFLICT DO NOTHING;

-- name: programme_put
-- Make or change a programme. Its channel stays: people agreed to that one.
INSERT INTO programme (sender_id, name, purposes, kinds, frequency, period, wording_version,
    created_at, channel)
VALUES ($1::int, $2::text, $3::smallint, $4::text, $5::text, $6::text, $7::text,
    $8::timestamptz, $9::text)
ON CONFLICT (sender_id, name) DO UPDATE SET wording_version = excluded.wording_version
RETURNING id, channel;

-- name: port_put
-- File a port. Its purpose stays: a port has exactly one approved purpose. It is filed as its
-- signature stands.
INSERT INTO port (number, carrier, sender_id, purpose, signature, programme_id, free_to_reply,
    service_code, created_at, signature_lapsed_at)
VALUES ($1::text, $2::text, $3::int, $4::smallint, $5::text, $6::int, $7::boolean, $8::text,
    $9::timestamptz, CASE WHEN EXISTS (SELECT FROM signature WHERE sender_id = $3::int
        AND words = $5::text AND state IN ('refused', 'lapsed', 'withdrawn'))
        THEN $9::timestamptz END)
ON CONFLICT (number, carrier, sender_id) WHERE status <> 'recycled' DO UPDATE SET
    signature = excluded.signature, free_to_reply = excluded.free_to_reply,
    service_code = excluded.service_code, signature_lapsed_at = CASE
        WHEN port.signature = excluded.signature THEN port.signature_lapsed_at
        ELSE excluded.signature_lapsed_at END
RETURNING id, purpose;

-- name: port_cooling
-- Whether a number of a carrier was another sender's until lately.
SELECT EXISTS (SELECT FROM port WHERE number = $1::text AND carrier = $2::text
    AND sender_id IS DISTINCT FROM $3::int AND status IN ('revoked', 'cooling'));

-- name: signature_file
-- File a signature for a sender that the operator vouches for; no row when another one has it.
INSERT INTO signature (sender_id, words, source, state, created_at)
SELECT $1::int, $2::text, 'register', 'active', $3::timestamptz
WHERE NOT EXISTS (SELECT FROM signature
    WHERE words = $2::text AND sender_id <> $1::int AND state IN ('submitted', 'active'))
ON CONFLICT (sender_id, words) DO UPDATE SET words = excluded.words RETURNING id;

-- name: template_same
-- The version in use of a template, if it says the same.
SELECT id FROM template WHERE sender_id = $1::int AND name = $2::text AND body = $3::text
    AND basis = $4::text AND status = 'active';

-- name: template_replace
-- A version is approved: the one that was in use is replaced. Orders made of it go on.
UPDATE template SET status = 'replaced', decided_at = $3::timestamptz
WHERE sender_id = $1::int AND name = $2::text AND status = 'active' RETURNING id;

-- name: template_file
-- File a version of a template, in use at once, behind the versions that there are.
INSERT INTO template (sender_id, name, purpose, body, basis, created_at, version)
VALUES ($1::int, $2::text, $3::smallint, $4::text, $5::text, $6::timestamptz,
    1 + (SELECT coalesce(max(version), 0) FROM template
         WHERE sender_id = $1::int AND name = $2::text))
RETURNING id;

-- name: key_insert
-- Keep the digest of a new API key.
INSERT INTO api_key (account_id, digest, hint, scopes, sandbox, created_at)
VALUES ($1::int, $2::bytea, $3::text, $4::text[], $5::boolean, $6::timestamptz) RETURNING id;

-- name: key_by_digest
-- A valid key by its digest. A person's key of the operator's needs the second factor that it was
-- made with.
SELECT k.id, k.account_id, k.scopes, k.sandbox, k.actor_id, k.allowed
FROM api_key k JOIN account a ON a.id = k.account_id LEFT JOIN actor p ON p.id = k.actor_id
WHERE k.digest = $1::bytea AND k.revoked_at IS NULL AND coalesce(p.status, 'active') = 'active'
    AND (p.id IS NULL OR a.kind <> 'operator' OR p.totp_on_at IS NOT NULL);

-- name: deposit
-- Put money on an account, once a source.
WITH posted AS (
    INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
    VALUES ($1::int, 0, 'deposit', $2::bigint, 1, 2, 0, $3::bigint, $4::timestamptz)
    ON CONFLICT (kind, source) DO NOTHING RETURNING amount
)
UPDATE balance SET available = available + posted.amount FROM posted
WHERE balance.account_id = $1::int RETURNING available;
