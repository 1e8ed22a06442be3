-- The vault: its mark, and sealing again.

-- name: vault_mark_get
-- The mark of the vault that this database belongs to.
SELECT mark FROM vault_mark;

-- name: vault_mark_keep
-- The same, set by the first process that asks.
INSERT INTO vault_mark (mark) VALUES ($1::bytea)
ON CONFLICT (single) DO UPDATE SET mark = vault_mark.mark RETURNING mark;

-- name: sealed_customer_links
-- Sealed secrets of logins after one.
SELECT id AS key, login, sealed FROM customer_link
WHERE sealed IS NOT NULL AND id > coalesce($1::int, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_customer_link
-- Put a secret back sealed with another key.
UPDATE customer_link SET sealed = $3::bytea WHERE id = $1::int AND sealed = $2::bytea;

-- name: sealed_paper_files
-- Sealed papers after one. Few at once: they are large.
SELECT sha256 AS key, sealed FROM paper_file
WHERE sha256 > coalesce($1::bytea, ''::bytea) ORDER BY sha256 LIMIT least($2::int, 4);

-- name: reseal_paper_file
-- Put a paper back sealed with another key.
UPDATE paper_file SET sealed = $3::bytea WHERE sha256 = $1::bytea AND sealed = $2::bytea;
