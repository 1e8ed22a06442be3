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
SELECT b.id, b.account_id, b.people, b.segments, f.states, b.purpose, b.carrier, b.port_id, b.price,
    b.video_id, b.expires_at, f.refunded, f.sure, spending_day(b.accepted_at) AS day,
    (SELECT c.charge_on = 'delivered' FROM contract c WHERE c.account_id = b.account_id
        AND c.from_day <= spending_day(b.accepted_at) ORDER BY c.from_day DESC LIMIT 1) AS on_delivery
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.id = ANY($1::bigint[]) ORDER BY b.id;

-- name: finals_put
-- Folded states.
INSERT INTO batch_final (batch_id, states, updated_at, refunded, sure)
SELECT b, s, $3::timestamptz, r, u
FROM unnest($1::bigint[], $2::bytea[], $4::int[], $5::int[]) AS new (b, s, r, u)
ON CONFLICT (batch_id) DO UPDATE SET states = excluded.states, updated_at = excluded.updated_at,
    refunded = excluded.refunded, sure = excluded.sure;

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

-- name: balances_due
-- Accounts to whose visible balance something was given back.
SELECT b.account_id FROM balance b
WHERE EXISTS (SELECT FROM posting p WHERE p.account_id = b.account_id
    AND p.kind IN ('release', 'visible', 'failed') AND p.xid >= b.folded_to
    AND p.xid < pg_snapshot_xmin(pg_current_snapshot()))
ORDER BY b.account_id;

-- name: balance_fold
-- Bring what was given back into an account's visible balance: the postings of transactions that
-- none still running can precede. Who comes second finds `folded_to` moved and does nothing.
WITH head AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid),
sums AS (
    SELECT b.folded_to, sum(p.amount)::bigint AS amount
    FROM head, balance b JOIN posting p ON p.account_id = b.account_id
        AND p.kind IN ('release', 'visible', 'failed') AND p.xid >= b.folded_to
    WHERE b.account_id = $1::int AND p.xid < head.xid GROUP BY b.folded_to
)
UPDATE balance SET available = balance.available + sums.amount, folded_to = head.xid
FROM sums, head
WHERE balance.account_id = $1::int AND balance.folded_to = sums.folded_to;

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
