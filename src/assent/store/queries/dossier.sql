-- Everything about an entity, for inspectors.

-- name: dossier_applications
-- Who applied with an entity, and with which words.
SELECT p.id, p.account_id, a.name AS account, p.about, p.claims, p.state, p.created_at
FROM application p JOIN account a ON a.id = p.account_id WHERE p.entity_id = $1::int ORDER BY p.id;

-- name: dossier_documents
-- The papers of an entity.
SELECT id, kind, number, holder, scope, facts, valid_from, valid_to, file_sha256, state, seen,
    provisional_until, account_id, created_at
FROM document WHERE entity_id = $1::int ORDER BY id;

-- name: dossier_sights
-- How the papers of an entity were seen.
SELECT s.id, s.document_id, s.way, s.at, s.by_whom, s.key_id, s.evidence
FROM document_sight s JOIN document d ON d.id = s.document_id WHERE d.entity_id = $1::int
ORDER BY s.id;

-- name: dossier_letters
-- The letters that an entity gave or holds.
SELECT * FROM authorisation WHERE principal_id = $1::int OR agent_id = $1::int ORDER BY id;

-- name: dossier_senders
-- The sender of an entity.
SELECT id, group_id, credit_code, legal_name, contact, industry, status, created_at FROM sender
WHERE entity_id = $1::int;

-- name: dossier_ports
-- The ports of an entity's sender.
SELECT p.id, p.number, p.carrier, p.purpose, p.signature, p.status, p.created_at
FROM port p JOIN sender s ON s.id = p.sender_id WHERE s.entity_id = $1::int ORDER BY p.id;

-- name: dossier_templates
-- The templates of an entity's sender.
SELECT t.id, t.name, t.purpose, t.body, t.basis, t.status, t.created_at
FROM template t JOIN sender s ON s.id = t.sender_id WHERE s.entity_id = $1::int ORDER BY t.id;

-- name: dossier_accounts
-- The accounts of an entity, and those that act for its sender.
SELECT a.id, a.name, a.kind, a.status, a.class, a.entity_id, a.created_at FROM account a
WHERE a.entity_id = $1::int OR a.id IN (SELECT x.account_id FROM account_sender x
    JOIN sender s ON s.id = x.sender_id WHERE s.entity_id = $1::int)
ORDER BY a.id;

-- name: dossier_registers
-- What every imported file says of an entity.
SELECT f.kind, f.source, f.dated, f.sha256, f.imported_at, r.place, r.credit_code, r.number, r.name,
    r.phone, r.facts
FROM register_row r JOIN register_file f ON f.id = r.file_id
    JOIN entity e ON e.credit_code = r.credit_code
WHERE e.id = $1::int ORDER BY f.id, r.place;
