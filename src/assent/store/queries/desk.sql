-- The review desk: items, what was said of them, decisions.

-- name: review_item_open
-- Put something up for decision. What is open already stays, with new reasons and signals; what
-- somebody agreed to before is void, because it was something else.
INSERT INTO review_item (kind, subject, account_id, entity_id, reviewers, reasons, signals, state,
    opened_at, due_at)
VALUES ($1::text, $2::bigint, $3::int, $4::int, $5::smallint, $6::text::jsonb, $7::text::jsonb,
    'open', $8::timestamptz, $9::timestamptz)
ON CONFLICT (kind, subject) WHERE state IN ('open', 'asked', 'second') DO UPDATE SET
    reviewers = greatest(review_item.reviewers, excluded.reviewers),
    reasons = excluded.reasons, signals = excluded.signals, state = 'open',
    first_key = NULL, first_actor = NULL, first_at = NULL
RETURNING id;

-- name: review_item_withdraw
-- Take an open item from the desk.
UPDATE review_item SET state = 'withdrawn', decided_at = $3::timestamptz
WHERE kind = $1::text AND subject = $2::bigint AND state IN ('open', 'asked', 'second')
RETURNING id;

-- name: review_item_hold
-- An item, locked until the transaction ends.
SELECT * FROM review_item WHERE id = $1::bigint FOR UPDATE;

-- name: review_item_get
-- An item with the names of account and entity.
SELECT i.*, a.name AS account, e.credit_code, e.legal_name
FROM review_item i LEFT JOIN account a ON a.id = i.account_id
    LEFT JOIN entity e ON e.id = i.entity_id
WHERE i.id = $1::bigint;

-- name: review_items_open
-- What waits, most urgent first. $1 kind or NULL, $2 state or NULL, $3 after this due time, $4 and
-- this id, $5 how many.
SELECT i.*, a.name AS account, e.credit_code, e.legal_name
FROM review_item i LEFT JOIN account a ON a.id = i.account_id
    LEFT JOIN entity e ON e.id = i.entity_id
WHERE i.state IN ('open', 'asked', 'second')
    AND ($1::text IS NULL OR i.kind = $1::text) AND ($2::text IS NULL OR i.state = $2::text)
    AND (i.due_at, i.id) > ($3::timestamptz, $4::bigint)
ORDER BY i.due_at, i.id LIMIT $5::int;

-- name: review_items_of
-- The items of an account, newest first.
SELECT i.*, a.name AS account, e.credit_code, e.legal_name
FROM review_item i LEFT JOIN account a ON a.id = i.account_id
    LEFT JOIN entity e ON e.id = i.entity_id
WHERE i.account_id = $1::int ORDER BY i.id DESC LIMIT $2::int;

-- name: review_items_about
-- The items about an entity, oldest first.
SELECT i.*, a.name AS account, e.credit_code, e.legal_name
FROM review_item i LEFT JOIN account a ON a.id = i.account_id
    LEFT JOIN entity e ON e.id = i.entity_id
WHERE i.entity_id = $1::int ORDER BY i.id;

-- name: staff_own_account
-- Whether a person acts for an account, for another one of its entity or for one of an entity that is
-- named; the operator's is nobody's.
SELECT EXISTS (SELECT FROM actor_role r JOIN account a ON a.id = r.account_id
    WHERE r.actor_id = $1::int AND a.kind <> 'operator'
        AND (a.id = $2::int OR a.entity_id = $3::int
            OR a.entity_id = (SELECT one.entity_id FROM account one WHERE one.id = $2::int)));

-- name: review_item_asked
-- Mark an item as waiting for the customer's answer, or answered.
UPDATE review_item SET state = $2::text WHERE id = $1::bigint;

-- name: review_item_first
-- Keep who agreed first, where two must.
UPDATE review_item SET state = 'second', first_key = $2::int, first_actor = $3::int,
    first_at = $4::timestamptz, reviewers = 2, due_at = $5::timestamptz
WHERE id = $1::bigint;

-- name: review_item_decided
-- Keep a decision.
UPDATE review_item SET state = $2::text, last_key = $3::int, last_actor = $4::int,
    decided_at = $5::timestamptz, code = $6::text
WHERE id = $1::bigint;

-- name: review_word_insert
-- Keep what was asked, answered or decided.
INSERT INTO review_word (item_id, at, verb, account_id, key_id, actor_id, code, words)
VALUES ($1::bigint, $2::timestamptz, $3::text, $4::int, $5::int, $6::int, $7::text, $8::text);

-- name: review_words
-- What was said of some items, in order.
SELECT item_id, at, verb, account_id, key_id, actor_id, code, words FROM review_word
WHERE item_id = ANY ($1::bigint[]) ORDER BY id;
