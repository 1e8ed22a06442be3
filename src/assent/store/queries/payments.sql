-- Money that comes in.

-- name: intent_insert
-- Note that an account will pay.
INSERT INTO payment_intent (account_id, reference, amount, currency, state, created_at)
SELECT id, $2::text, $3::bigint, currency, 'open', $4::timestamptz FROM account
WHERE id = $1::int RETURNING reference, amount, received, currency, state, created_at;

-- name: intents_of
-- An account's intents, the latest first.
SELECT reference, amount, received, currency, state, created_at FROM payment_intent
WHERE account_id = $1::int ORDER BY id DESC LIMIT 200;

-- name: intents_by_code
-- Intents by their codes, with who owns their account.
SELECT i.id, i.account_id, i.currency, i.state, a.status, e.legal_name FROM payment_intent i
JOIN account a ON a.id = i.account_id LEFT JOIN entity e ON e.id = a.entity_id
WHERE i.reference = ANY($1::text[]) ORDER BY i.id;

-- name: intent_received
-- Count what came (or went back) for an intent.
UPDATE payment_intent SET received = received + $2::bigint,
    state = CASE WHEN received + $2::bigint <= 0 THEN 'open'
        WHEN received + $2::bigint < amount THEN 'partial'
        WHEN received + $2::bigint = amount THEN 'paid' ELSE 'overpaid' END
WHERE id = $1::bigint;

-- name: payments_lock
-- Let the lines of a payment port be taken by one at a time.
SELECT pg_advisory_xact_lock(4713, hashtext($1::text));

-- name: payment_by_name
-- A line that was taken before.
SELECT id, digest FROM payment_line WHERE port = $1::text AND external_id = $2::text;

-- name: payment_insert
-- Keep a line.
INSERT INTO payment_line (port, external_id, kind, booked_on, amount, currency, payer_sealed, digest,
    state, why, account_id, intent_id, original_id, at)
VALUES ($1::text, $2::text, $3::text, $4::date, $5::bigint, $6::text, $7::bytea, $8::bytea,
    $9::text, $10::text, $11::int, $12::bigint, $13::bigint, $14::timestamptz) RETURNING id;

-- name: payment_original
-- What a return takes back: the line that it names, else one of the same amount for the code that
-- its text holds, what people sent back before what was credited. Names are chosen by who pays: one
-- that contradicts the code counts for nothing. It is held, so that nobody is releasing it
-- meanwhile.
SELECT l.id, l.account_id, l.intent_id, l.state, l.currency FROM payment_line l
LEFT JOIN payment_intent i ON i.id = l.intent_id
WHERE l.port = $1::text AND l.kind = 'credit' AND l.state IN ('credited', 'held', 'sent_back')
    AND l.amount = $4::bigint
    AND (i.reference = ANY($3::text[]) OR l.external_id = ANY($2::text[])
        AND (i.reference IS NULL OR cardinality($3::text[]) = 0))
ORDER BY l.external_id = ANY($2::text[]) DESC, l.state = 'sent_back' DESC, l.id LIMIT 1
FOR UPDATE OF l;

-- name: payment_state
-- What became of a line.
UPDATE payment_line SET state = $2::text, why = $3::text, account_id = $4::int
WHERE id = $1::bigint;

-- name: payment_owed_set
-- What a return could not take back yet.
UPDATE payment_line SET owed = $2::bigint WHERE id = $1::bigint;

-- name: payments_owed
-- What returns still owe of an account.
SELECT id, owed FROM payment_line WHERE account_id = $1::int AND owed > 0 ORDER BY id;

-- name: balance_floor
-- Below what an account's balance must not fall.
SELECT -credit_limit FROM balance WHERE account_id = $1::int;

-- name: payments_held
-- What waits for two persons.
SELECT l.id, l.port, l.external_id, l.kind, l.booked_on, l.amount, l.currency, l.payer_sealed, l.why,
    a.name, i.reference,
    (SELECT count(*) FROM payment_wish w WHERE w.line_id = l.id)::int AS wishes
FROM payment_line l LEFT JOIN account a ON a.id = l.account_id
LEFT JOIN payment_intent i ON i.id = l.intent_id
WHERE l.state = 'held' ORDER BY l.id LIMIT 1000;

-- name: payment_hold
-- A line, held for this transaction.
SELECT id, kind, amount, currency, state, why, account_id, intent_id FROM payment_line
WHERE id = $1::bigint FOR UPDATE;

-- name: payment_wishes
-- What was said about a line.
SELECT wish, account_id, key_id, actor_id FROM payment_wish WHERE line_id = $1::bigint;

-- name: payment_wish_insert
-- Say what is to be done with a line.
INSERT INTO payment_wish (line_id, wish, account_id, key_account, key_id, actor_id, at)
VALUES ($1::bigint, $2::text, $3::int, $4::int, $5::int, $6::int, $7::timestamptz);

-- name: notice_take
-- Use a notice's nonce; no row when it was used before. Those long past are forgotten.
WITH forgotten AS (
    DELETE FROM payment_notice WHERE port = $1::text AND at < $4::timestamptz
)
INSERT INTO payment_notice (port, nonce, at) VALUES ($1::text, $2::text, $3::timestamptz)
ON CONFLICT DO NOTHING RETURNING true;

-- name: account_by_name
-- An account by its name.
SELECT id FROM account WHERE name = $1::text;

-- name: account_currency
-- The currency of an account that is not closed.
SELECT currency FROM account WHERE id = $1::int AND status <> 'closed';
