-- Versions of templates and hosts that links lead to.

-- name: template_submit
-- A version of a template is handed in, behind those that there are.
INSERT INTO template (sender_id, name, purpose, body, basis, status, created_at, account_id, version)
VALUES ($1::int, $2::text, $3::smallint, $4::text, $5::text, 'submitted', $6::timestamptz, $7::int,
    1 + (SELECT coalesce(max(version), 0) FROM template
         WHERE sender_id = $1::int AND name = $2::text))
RETURNING id, version;

-- name: template_lock
-- One at a time hands in versions of a sender's templates.
SELECT id FROM sender WHERE id = $1::int FOR UPDATE;

-- name: template_versions
-- The versions of a template, the last first.
SELECT id, version, purpose, body, basis, status FROM template
WHERE sender_id = $1::int AND name = $2::text ORDER BY version DESC;

-- name: template_hold
-- A version, held until the transaction ends.
SELECT t.*, s.credit_code, s.legal_name, s.entity_id FROM template t
JOIN sender s ON s.id = t.sender_id WHERE t.id = $1::int FOR UPDATE OF t;

-- name: template_decided
-- A version is approved, refused or taken back.
UPDATE template SET status = $2::text, reason = $3::text, decided_at = $4::timestamptz
WHERE id = $1::int;

-- name: templates_of
-- Versions of templates of the senders of one account or (NULL) of all; of one sender, if named.
SELECT t.*, s.credit_code, s.legal_name FROM template t JOIN sender s ON s.id = t.sender_id
WHERE ($1::int IS NULL OR EXISTS (SELECT FROM account_sender m
        WHERE m.account_id = $1::int AND m.sender_id = t.sender_id))
    AND ($2::text IS NULL OR s.credit_code = $2::text)
ORDER BY t.sender_id, t.name, t.version LIMIT 5000;

-- name: host_put
-- A host is handed in, for the first time or once more; no row while it is under review or filed.
INSERT INTO filed_host (sender_id, host, state, account_id, created_at)
VALUES ($1::int, $2::text, 'submitted', $3::int, $4::timestamptz)
ON CONFLICT (sender_id, host) DO UPDATE SET state = 'submitted', reason = '',
    account_id = excluded.account_id, created_at = excluded.created_at, decided_at = NULL
WHERE filed_host.state IN ('refused', 'withdrawn')
RETURNING id;

-- name: host_hold
-- A host, held until the transaction ends.
SELECT h.*, s.credit_code, s.legal_name, s.entity_id FROM filed_host h
JOIN sender s ON s.id = h.sender_id WHERE h.id = $1::int FOR UPDATE OF h;

-- name: host_decided
-- A host is approved, refused or taken back.
UPDATE filed_host SET state = $2::text, reason = $3::text, decided_at = $4::timestamptz
WHERE id = $1::int;

-- name: hosts_of
-- Hosts of the senders of one account or (NULL) of all.
SELECT h.*, s.credit_code FROM filed_host h JOIN sender s ON s.id = h.sender_id
WHERE ($1::int IS NULL OR EXISTS (SELECT FROM account_sender m
        WHERE m.account_id = $1::int AND m.sender_id = h.sender_id))
ORDER BY h.id LIMIT 5000;
