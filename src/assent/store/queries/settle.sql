-- Folding, late receipts, money that waits, and what is forgotten.

-- name: results_by_id
-- Results with the slots of their windows.
SELECT r.batch_id, r.positions, r.segments, r.statuses, r.codes, w.slots
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS k (batch_id, id, nr)
JOIN window_result r ON r.batch_id = k.batch_id AND r.id = k.id
JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id
ORDER BY k.nr;

-- name: slot_ends_by_id
-- Messages that ended without an attempt.
SELECT e.batch_id, e.slots, e.states
FROM unnest($1::bigint[], $2::bigint[]) AS k (batch_id, id)
JOIN slot_end e ON e.batch_id = k.batch_id AND e.id = k.id;

-- name: receipts_by_id
-- Receipt rows.
SELECT id, messages, segments, states FROM receipt_log WHERE id = ANY($1::bigint[]) ORDER BY id;

-- name: batches_to_fold
-- Batches with their folded states so far.
SELECT b.id, b.account_id, b.people, b.segments, f.states
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.id = ANY($1::bigint[]) ORDER BY b.id;

-- name: finals_put
-- Folded states.
INSERT INTO batch_final (batch_id, states, updated_at)
SELECT b, s, $3::timestamptz FROM unnest($1::bigint[], $2::bytea[]) AS new (b, s)
ON CONFLICT (batch_id) DO UPDATE SET states = excluded.states, updated_at = excluded.updated_at;

-- name: release_visible
-- Make what withdrawals gave back visible: one posting an account and run.
INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
SELECT account_id, 0, 'visible', nextval('window_number'), 5, 2, sum(segments)::int,
    sum(amount)::bigint, $1::timestamptz
FROM posting p
WHERE kind = 'release_daily' AND id <= $2::bigint AND id > $3::bigint
GROUP BY account_id
RETURNING account_id, amount;

-- name: posting_head
-- The last posting that no running transaction may precede.
SELECT coalesce(max(id), 0) FROM posting;

-- name: balances_fold
-- Bring what postings gave back into the balances. Locks out writers of postings, so that the
-- head is a true one.
WITH head AS (SELECT coalesce(max(id), 0) AS id FROM posting),
sums AS (
    SELECT p.account_id, sum(p.amount)::bigint AS amount
    FROM posting p JOIN balance b ON b.account_id = p.account_id, head
    WHERE p.id > b.folded_to AND p.id <= head.id AND p.kind IN ('release', 'visible')
    GROUP BY p.account_id
)
UPDATE balance SET available = balance.available + coalesce(sums.amount, 0), folded_to = head.id
FROM head, balance b2 LEFT JOIN sums ON sums.account_id = b2.account_id
WHERE balance.account_id = b2.account_id AND balance.folded_to < head.id;

-- name: balances_hold
-- Hold every balance for this transaction.
SELECT account_id FROM balance ORDER BY account_id FOR UPDATE;

-- name: balance_hold
-- Hold one balance for this transaction.
SELECT account_id FROM balance WHERE account_id = $1::int FOR UPDATE;

-- name: postings_lock
-- Let no posting be written or be uncommitted until this transaction ends.
LOCK TABLE posting IN SHARE ROW EXCLUSIVE MODE;

-- name: money_sums
-- What each book of each account holds, by its postings.
SELECT account_id, book, sum(amount)::bigint AS amount FROM (
    SELECT account_id, credit AS book, amount FROM posting
    UNION ALL SELECT account_id, debit, -amount FROM posting) AS sides
GROUP BY account_id, book ORDER BY account_id, book;

-- name: untold_put
-- Note messages that a withdrawal stopped.
INSERT INTO untold (message_id, account_id, state)
SELECT m, $2::int, s FROM unnest($1::bigint[], $3::smallint[]) AS new (m, s)
ON CONFLICT DO NOTHING;

-- name: untold_take
-- Take what is to be told today.
DELETE FROM untold RETURNING message_id, account_id, state;
