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

-- name: sealed_phones
-- Sealed values of a column after one.
SELECT id AS key, phone_sealed AS sealed FROM actor
WHERE phone_sealed IS NOT NULL AND id > coalesce($1::int, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_phone
-- Put one back sealed with another key.
UPDATE actor SET phone_sealed = $3::bytea WHERE id = $1::int AND phone_sealed = $2::bytea;

-- name: sealed_totps
-- Sealed values of a column after one.
SELECT id AS key, totp_sealed AS sealed FROM actor
WHERE totp_sealed IS NOT NULL AND id > coalesce($1::int, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_totp
-- Put one back sealed with another key.
UPDATE actor SET totp_sealed = $3::bytea WHERE id = $1::int AND totp_sealed = $2::bytea;

-- name: sealed_tokens
-- Sealed values of a column after one.
SELECT digest AS key, sealed AS sealed FROM actor_token
WHERE sealed IS NOT NULL AND digest > coalesce($1::bytea, ''::bytea) ORDER BY digest LIMIT $2::int;

-- name: reseal_token
-- Put one back sealed with another key.
UPDATE actor_token SET sealed = $3::bytea WHERE digest = $1::bytea AND sealed = $2::bytea;

-- name: sealed_mails
-- Sealed values of a column after one.
SELECT name AS key, sealed AS sealed FROM mail_out
WHERE sealed IS NOT NULL AND name > coalesce($1::text, '') ORDER BY name LIMIT $2::int;

-- name: reseal_mail
-- Put one back sealed with another key.
UPDATE mail_out SET sealed = $3::bytea WHERE name = $1::text AND sealed = $2::bytea;

-- name: sealed_entity_people
-- Persons behind entities after one.
SELECT id AS key, person, sealed FROM entity_person
WHERE id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_entity_person
-- Put one back sealed with another key.
UPDATE entity_person SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;

-- name: sealed_payers
-- Sealed values of a column after one.
SELECT id AS key, payer_sealed AS sealed, port, external_id FROM payment_line
WHERE id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_payer
-- Put one back sealed with another key.
UPDATE payment_line SET payer_sealed = $3::bytea
WHERE id = $1::bigint AND payer_sealed = $2::bytea;

-- name: sealed_ledger_keys
-- Sealed values of a column after one.
SELECT origin AS key, sealed FROM ledger_key WHERE origin > coalesce($1::text, '') LIMIT $2::int;

-- name: reseal_ledger_key
-- Put one back sealed with another key.
UPDATE ledger_key SET sealed = $3::bytea WHERE origin = $1::text AND sealed = $2::bytea;
