-- What the operator of the demonstration reads in the platform's own tables.

-- name: books_waiting
-- How much of each kind is under way; all zero when the platform rests.
SELECT (SELECT count(*) FROM queue) AS queue,
    (SELECT count(*) FROM open_window) AS windows,
    (SELECT count(*) FROM confirmation WHERE state = 'waiting') AS confirmations,
    (SELECT count(*) FROM inbound WHERE reply_id IS NULL) AS replies,
    (SELECT count(*) FROM receipt_parked WHERE NOT given_up) AS parked,
    (SELECT count(*) FROM campaign WHERE state = 'running') AS campaigns,
    (SELECT count(*) FROM consent_waiting WHERE opened_at IS NULL) AS consents;

-- name: books_submissions
-- Judged orders with the inner reasons; by campaign name, NULL for an order of its own.
SELECT c.name, s.purpose, s.n, s.allowed, s.reasons::text AS reasons
FROM submission s LEFT JOIN campaign c ON c.id = s.campaign_id;

-- name: books_states
-- Batches with the states of their segments, one byte each; NULL before the first answer.
SELECT c.name, b.purpose, b.n, b.segments, f.states
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id LEFT JOIN campaign c ON c.id = b.campaign_id;

-- name: books_money
-- Every account's books, summed from its postings (1 deposits, 2 available, 3 reserved,
-- 4 revenue, 5 released), beside its balance and what was not folded into that yet.
WITH moves AS (
    SELECT account_id, credit AS book, amount, segments FROM posting
    UNION ALL
    SELECT account_id, debit, -amount, -segments FROM posting
), sums AS (
    SELECT account_id,
        coalesce(-sum(amount) FILTER (WHERE book = 1), 0)::bigint AS deposited,
        coalesce(sum(amount) FILTER (WHERE book = 2), 0)::bigint AS available,
        coalesce(sum(amount) FILTER (WHERE book = 3), 0)::bigint AS reserved,
        coalesce(sum(amount) FILTER (WHERE book = 4), 0)::bigint AS revenue,
        coalesce(sum(segments) FILTER (WHERE book = 4), 0)::bigint AS charged_segments,
        coalesce(sum(amount) FILTER (WHERE book = 5), 0)::bigint AS released
    FROM moves GROUP BY account_id
)
SELECT a.name, a.price_micro, s.*, b.available + (
        SELECT coalesce(sum(p.amount), 0)::bigint FROM posting p
        WHERE p.account_id = a.id AND p.xid >= b.folded_to AND p.kind IN ('release', 'visible')
    ) AS visible
FROM account a JOIN balance b ON b.account_id = a.id JOIN sums s ON s.account_id = a.id
ORDER BY a.name;
