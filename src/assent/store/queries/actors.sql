-- People who act: who they are, sessions, roles, tokens, throttles, mail to them.

-- name: actor_by_email
-- A person by e-mail address.
SELECT id, email, name, status, password, totp_sealed, totp_on_at, totp_step FROM actor
WHERE email = $1::text;

-- name: actor_get
-- A person.
SELECT id, email, name, status, password, phone_sealed, phone_verified_at, totp_sealed, totp_on_at,
    totp_step, created_at
FROM actor WHERE id = $1::int;

-- name: actor_insert
-- Make a person, unless the address has one.
INSERT INTO actor (email, name, password, created_at)
VALUES ($1::text, $2::text, $3::text, $4::timestamptz)
ON CONFLICT (email) DO NOTHING RETURNING id;

-- name: actor_password
-- Set a password.
UPDATE actor SET password = $2::text WHERE id = $1::int;

-- name: actor_status
-- Lock or unlock a person; the status before.
UPDATE actor SET status = $2::text FROM (SELECT id, status FROM actor WHERE id = $1::int FOR UPDATE) old
WHERE actor.id = old.id AND old.status <> 'closed' RETURNING old.status;

-- name: actor_phone
-- Keep a number that was proved.
UPDATE actor SET phone_sealed = $2::bytea, phone_digest = $3::bytea,
    phone_verified_at = $4::timestamptz
WHERE id = $1::int;

-- name: actor_totp
-- Keep the secret of a second factor that is not on yet.
UPDATE actor SET totp_sealed = $2::bytea WHERE id = $1::int AND totp_on_at IS NULL RETURNING id;

-- name: actor_totp_on
-- Switch the second factor on.
UPDATE actor SET totp_on_at = $2::timestamptz, totp_step = $3::bigint
WHERE id = $1::int AND totp_on_at IS NULL AND totp_sealed = $4::bytea RETURNING id;

-- name: actor_totp_off
-- Forget the second factor.
UPDATE actor SET totp_sealed = NULL, totp_on_at = NULL WHERE id = $1::int;

-- name: actor_totp_used
-- Note the step of a code that was used; no row if it, or a later one, was used before.
UPDATE actor SET totp_step = $2::bigint WHERE id = $1::int AND totp_step < $2::bigint RETURNING id;

-- name: recovery_codes_put
-- Exchange a person's recovery codes.
WITH old AS (DELETE FROM recovery_code WHERE actor_id = $1::int AND digest <> ALL($2::bytea[]))
INSERT INTO recovery_code (actor_id, digest) SELECT $1::int, unnest($2::bytea[])
ON CONFLICT DO NOTHING;

-- name: recovery_code_use
-- Use a recovery code; no row if it is none or was used.
UPDATE recovery_code SET used_at = $3::timestamptz
WHERE actor_id = $1::int AND digest = $2::bytea AND used_at IS NULL RETURNING actor_id;

-- name: recovery_codes_left
-- How many recovery codes a person has left.
SELECT count(*)::int FROM recovery_code WHERE actor_id = $1::int AND used_at IS NULL;

-- name: roles_of_actor
-- Accounts that a person acts for.
SELECT a.id, a.name, a.kind, a.status, array_agg(r.role ORDER BY r.role) AS roles
FROM actor_role r JOIN account a ON a.id = r.account_id
WHERE r.actor_id = $1::int AND a.status <> 'closed'
GROUP BY a.id ORDER BY a.id;

-- name: roles_in_account
-- A person's roles in an account.
SELECT role FROM actor_role WHERE account_id = $1::int AND actor_id = $2::int ORDER BY role;

-- name: team_of_account
-- Who acts for an account.
SELECT p.id, p.email, p.name, p.status, p.totp_on_at IS NOT NULL AS factor,
    p.phone_verified_at IS NOT NULL AS phone, array_agg(r.role ORDER BY r.role) AS roles
FROM actor_role r JOIN actor p ON p.id = r.actor_id
WHERE r.account_id = $1::int GROUP BY p.id ORDER BY p.id;

-- name: account_hold
-- Hold an account, so that its team changes one change at a time.
SELECT id, name, kind, status FROM account WHERE id = $1::int FOR UPDATE;

-- name: role_holders
-- How many people have a role in an account besides one.
SELECT count(*)::int FROM actor_role r JOIN actor p ON p.id = r.actor_id
WHERE r.account_id = $1::int AND r.role = $2::text AND r.actor_id <> $3::int AND p.status = 'active';

-- name: roles_put
-- Give a person exactly some roles in an account.
WITH gone AS (
    DELETE FROM actor_role WHERE account_id = $1::int AND actor_id = $2::int
        AND role <> ALL($3::text[])
)
INSERT INTO actor_role (account_id, actor_id, role, created_at)
SELECT $1::int, $2::int, unnest($3::text[]), $4::timestamptz
ON CONFLICT DO NOTHING;

-- name: application_put
-- Make an account that somebody applies for, unless the name is taken.
INSERT INTO account (name, kind, status, price_micro, created_at, entity_id, class)
VALUES ($1::text, $2::text, 'applied', $3::bigint, $4::timestamptz, $5::int, $6::text)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: account_named
-- Whether an account has a name.
SELECT EXISTS (SELECT 1 FROM account WHERE name = $1::text);

-- name: entity_stub
-- Make an entity as an applicant names it; one that is there stays as it is.
WITH made AS (
    INSERT INTO entity (credit_code, legal_name, kind, industry, website, created_at)
    VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::timestamptz)
    ON CONFLICT (credit_code) DO NOTHING RETURNING id
)
SELECT id FROM made UNION ALL SELECT id FROM entity WHERE credit_code = $1::text LIMIT 1;

-- name: token_put
-- Keep a token that was mailed, or a code that was sent.
INSERT INTO actor_token (digest, kind, actor_id, account_id, sealed, until)
VALUES ($1::bytea, $2::text, $3::int, $4::int, $5::bytea, $6::timestamptz)
ON CONFLICT (digest) DO UPDATE SET sealed = excluded.sealed, until = excluded.until;

-- name: token_get
-- A token that still holds.
SELECT actor_id, account_id, sealed FROM actor_token
WHERE digest = $1::bytea AND kind = $2::text AND until > $3::timestamptz;

-- name: token_use
-- Use a token: whoever gets the row has used it.
DELETE FROM actor_token WHERE digest = $1::bytea AND kind = $2::text AND until > $3::timestamptz
RETURNING actor_id, account_id;

-- name: tokens_drop
-- Forget a person's tokens of a kind.
DELETE FROM actor_token WHERE actor_id = $1::int AND kind = $2::text;

-- name: tokens_forget
-- Forget tokens that hold no more.
DELETE FROM actor_token WHERE until < $1::timestamptz;

-- name: invitations_of_account
-- Invitations of an account that are open.
SELECT digest, sealed, until FROM actor_token
WHERE account_id = $1::int AND kind = 'invitation' AND until > $2::timestamptz ORDER BY until;

-- name: session_put
-- Begin a session.
INSERT INTO actor_session (digest, actor_id, account_id, began_at, seen_at, raised_until, factor,
    network)
VALUES ($1::bytea, $2::int, $3::int, $4::timestamptz, $4::timestamptz, $5::timestamptz,
    $6::boolean, $7::text)
RETURNING id;

-- name: session_by_digest
-- A session that goes on, with who it is of and what they may do.
SELECT s.id, s.actor_id, s.account_id, s.began_at, s.seen_at, s.raised_until, s.factor, p.email,
    p.name, p.totp_on_at IS NOT NULL AS has_factor, a.kind, a.status, a.name AS account_name,
    ARRAY(SELECT r.role FROM actor_role r
        WHERE r.account_id = s.account_id AND r.actor_id = s.actor_id ORDER BY r.role) AS roles
FROM actor_session s JOIN actor p ON p.id = s.actor_id LEFT JOIN account a ON a.id = s.account_id
WHERE s.digest = $1::bytea AND s.ended_at IS NULL AND s.seen_at > $2::timestamptz
    AND s.began_at > $3::timestamptz AND p.status = 'active';

-- name: session_from
-- Whether a person logged in from a network since some time.
SELECT EXISTS (SELECT 1 FROM actor p JOIN actor_session s ON s.actor_id = p.id
    WHERE p.email = $1::text AND s.network = $2::text AND s.began_at > $3::timestamptz);

-- name: session_seen
-- Note that a session is used.
UPDATE actor_session SET seen_at = $2::timestamptz WHERE id = $1::bigint AND ended_at IS NULL;

-- name: session_turn
-- Give a session a new token, and what changed with it; no row if it ended meanwhile.
UPDATE actor_session SET digest = $3::bytea, account_id = $4::int, raised_until = $5::timestamptz,
    factor = $6::boolean, seen_at = $7::timestamptz
WHERE id = $1::bigint AND digest = $2::bytea AND ended_at IS NULL RETURNING id;

-- name: session_end
-- End one of a person's sessions.
UPDATE actor_session SET ended_at = $3::timestamptz
WHERE id = $1::bigint AND actor_id = $2::int AND ended_at IS NULL RETURNING id;

-- name: sessions_end
-- End a person's sessions but one; of one account only if that is given.
UPDATE actor_session SET ended_at = $4::timestamptz
WHERE actor_id = $1::int AND ended_at IS NULL AND id <> coalesce($2::bigint, 0)
    AND ($3::int IS NULL OR account_id = $3::int);

-- name: sessions_of_actor
-- A person's sessions that go on.
SELECT id, account_id, began_at, seen_at, network, factor FROM actor_session
WHERE actor_id = $1::int AND ended_at IS NULL AND seen_at > $2::timestamptz
    AND began_at > $3::timestamptz
ORDER BY id DESC;

-- name: sessions_forget
-- Forget sessions that are long over.
DELETE FROM actor_session WHERE began_at < $1::timestamptz;

-- name: throttle_take
-- Count an attempt; no row while it is too early. Attempts at the same moment come one after the
-- other, so each sees what those before it counted.
INSERT INTO throttle AS t (kind, mark, failures, until, at)
VALUES ($1::text, $2::bytea, 1, $3::timestamptz, $3::timestamptz)
ON CONFLICT (kind, mark) DO UPDATE SET at = $3::timestamptz,
    failures = CASE WHEN t.at < $6::timestamptz THEN 1 ELSE t.failures + 1 END,
    until = CASE WHEN t.at < $6::timestamptz OR t.failures + 1 < $4::int THEN $3::timestamptz
        ELSE $3::timestamptz + make_interval(secs => least($5::float8,
            power(2.0::float8, least(t.failures + 1 - $4::int, 30)))) END
WHERE t.until <= $3::timestamptz
RETURNING failures;

-- name: throttle_until
-- Until when one has to wait.
SELECT until FROM throttle WHERE kind = $1::text AND mark = $2::bytea;

-- name: throttle_clear
-- Forget what was counted.
DELETE FROM throttle WHERE kind = $1::text AND mark = $2::bytea;

-- name: throttle_give_back
-- Take one attempt back.
UPDATE throttle SET failures = greatest(failures - 1, 0), until = at
WHERE kind = $1::text AND mark = $2::bytea;

-- name: throttle_forget
-- Forget what is old.
DELETE FROM throttle WHERE at < $1::timestamptz AND until < $1::timestamptz;

-- name: mail_put
-- Write a mail.
INSERT INTO mail_out (at, due, name, sealed)
VALUES ($1::timestamptz, $1::timestamptz, $2::text, $3::bytea);

-- name: people_to_tell
-- Whom mail about an account reaches: its owners or, of the operator's, administrators; for a
-- sub-account also those of its parent. Without an account those of the accounts that were
-- admitted for an entity: whoever only applies in its name is told nothing of it.
SELECT DISTINCT p.email FROM actor_role r JOIN actor p ON p.id = r.actor_id
    JOIN account a ON a.id = r.account_id
WHERE p.status = 'active' AND r.role IN ('owner', 'administrator') AND a.status <> 'closed'
    AND CASE WHEN $1::int IS NULL THEN a.entity_id = $2::int AND a.status <> 'applied'
        ELSE a.id = $1::int OR a.id = (SELECT parent_id FROM account WHERE id = $1::int) END
ORDER BY p.email;

-- name: person_to_tell
-- The address of a person who may log in.
SELECT email FROM actor WHERE id = $1::int AND status = 'active';

-- name: mail_take
-- Take the next mail that is due, for a while: whoever dies with it leaves it to others.
UPDATE mail_out SET due = $2::timestamptz, tries = tries + 1 WHERE id = (
    SELECT id FROM mail_out WHERE due <= $1::timestamptz ORDER BY due, id LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, name, tries, sealed;

-- name: mail_done
-- Forget a mail that was handed on.
DELETE FROM mail_out WHERE id = $1::bigint;

-- name: mail_later
-- Try a mail again later.
UPDATE mail_out SET due = $2::timestamptz WHERE id = $1::bigint;

-- name: person_key_insert
-- Keep the digest of a key that a person made.
INSERT INTO api_key (account_id, digest, hint, scopes, sandbox, created_at, actor_id, allowed, name)
VALUES ($1::int, $2::bytea, $3::text, $4::text[], $5::boolean, $6::timestamptz, $7::int,
    $8::text[], $9::text)
RETURNING id;

-- name: keys_of_account
-- Keys of an account that hold; of one person only if one is given.
SELECT id, name, hint, scopes, sandbox, allowed, actor_id, created_at FROM api_key
WHERE account_id = $1::int AND revoked_at IS NULL AND ($2::int IS NULL OR actor_id = $2::int)
ORDER BY id;

-- name: key_revoke
-- Revoke a key of an account; only one of a person's own if one is given.
UPDATE api_key SET revoked_at = $4::timestamptz
WHERE id = $1::int AND account_id = $2::int AND revoked_at IS NULL
    AND ($3::int IS NULL OR actor_id = $3::int)
RETURNING id, scopes, actor_id;

-- name: keys_revoke_beyond
-- Revoke a person's keys for an account that may do more than some scopes.
UPDATE api_key SET revoked_at = $4::timestamptz
WHERE account_id = $1::int AND actor_id = $2::int AND revoked_at IS NULL
    AND NOT scopes <@ $3::text[]
RETURNING id;

-- name: acts_before
-- What was done, the latest first, before one act; of one account, or one kind, if given.
SELECT id, at, account_id, key_id, actor_id, what, subject, before::text, after::text FROM staff_act
WHERE id < $1::bigint AND ($3::int IS NULL OR account_id = $3::int)
    AND ($4::text IS NULL OR what LIKE $4::text)
ORDER BY id DESC LIMIT $2::int;

-- name: operator_account
-- The operator's account.
SELECT id FROM account WHERE kind = 'operator' ORDER BY id LIMIT 1;
