-- Prices, usage, limits, and what becomes of money besides messages.

-- name: price_lines
-- Every line of every plan.
SELECT id, plan_id, purpose, carrier, channel, from_segments, micro FROM price_line ORDER BY id;

-- name: account_plans
-- Which plan an account has from which month on.
SELECT account_id, from_month, plan_id FROM account_plan ORDER BY account_id, from_month;

-- name: usage_sure
-- Segments of some accounts that are charged for good: accepted, or, where the contract charges on
-- delivery, delivered. Never more than the truth, whenever it is read.
SELECT u.account_id, u.purpose, u.carrier, u.channel,
    sum(CASE WHEN (SELECT c.charge_on = 'delivered' FROM contract c
            WHERE c.account_id = u.account_id AND c.from_day <= u.day
            ORDER BY c.from_day DESC LIMIT 1)
        THEN u.delivered ELSE u.segments END)::bigint AS segments
FROM usage u
WHERE u.account_id = ANY($1::int[]) AND u.day >= $2::date AND u.day < $3::date
GROUP BY u.account_id, u.purpose, u.carrier, u.channel;

-- name: usage_add
-- Count what carriers accepted, what was given back, and what was delivered.
INSERT INTO usage (account_id, day, purpose, carrier, channel, port_id, price, segments, failed,
    delivered)
SELECT a, d, p, c, h, o, m, sum(s), sum(f), sum(e)
FROM unnest($1::int[], $2::date[], $3::smallint[], $4::text[], $5::text[], $6::int[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) AS new (a, d, p, c, h, o, m, s, f, e)
GROUP BY a, d, p, c, h, o, m ORDER BY a, d, p, c, h, o, m
ON CONFLICT (account_id, day, purpose, carrier, channel, port_id, price) DO UPDATE SET
    segments = usage.segments + excluded.segments, failed = usage.failed + excluded.failed,
    delivered = usage.delivered + excluded.delivered;

-- name: usage_from
-- The last batch that usage does not count.
SELECT coalesce((SELECT seq FROM cursor WHERE name = 'usage_from'), 0);

-- name: answers_of_batches
-- What carriers answered about some batches.
SELECT r.batch_id, w.slots, r.positions, r.segments, r.statuses
FROM window_result r JOIN attempt_window w ON w.batch_id = r.batch_id AND w.id = r.window_id
WHERE r.batch_id = ANY($1::bigint[]);

-- name: unsure_charged
-- Segments that were unsure and charged when their receipt came.
SELECT batch_id, slot, segment FROM unsure_segment
WHERE batch_id = ANY($1::bigint[]) AND charged;

-- name: failed_give_back
-- Give back what failed: from revenue, visible with the next fold of balances.
INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
SELECT a, b, 'failed', nextval('window_number'), 4, 2, s, m, $1::timestamptz
FROM unnest($2::int[], $3::bigint[], $4::int[], $5::bigint[]) AS new (a, b, s, m);

-- name: balance_told
-- What an account may spend, in which currency.
SELECT b.available + b.credit_limit AS available, a.currency
FROM balance b JOIN account a ON a.id = b.account_id WHERE b.account_id = $1::int;

-- name: balance_rose
-- Whose balance has risen to its mark again is told anew when it falls.
UPDATE balance SET alerted = false
WHERE alerted AND (alert_below IS NULL OR available >= alert_below);

-- name: balance_fell
-- Note whose balance has fallen below its mark and was not told so.
WITH fell AS (
    UPDATE balance SET alerted = true
    WHERE NOT alerted AND alert_below IS NOT NULL AND available < alert_below
    RETURNING account_id, available, alert_below
), noted AS (
    INSERT INTO balance_alert (account_id, at, available, below)
    SELECT account_id, $1::timestamptz, available, alert_below FROM fell
    RETURNING id, account_id, available, below
)
SELECT n.id, n.account_id, n.available, n.below, a.name, a.currency
FROM noted n JOIN account a ON a.id = n.account_id ORDER BY n.id;

-- name: balance_move
-- Bring an amount into (or, negative, out of) what is available, once a kind and source. Nothing
-- where less than $9 would be left. The caller holds the balance (`balance_hold`).
WITH posted AS (
    INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
    SELECT b.account_id, 0, $2::text, $3::bigint, $4::smallint, $5::smallint, $6::int,
        abs($7::bigint), $8::timestamptz
    FROM balance b WHERE b.account_id = $1::int
        AND ($7::bigint >= 0 OR b.available + $7::bigint >= $9::bigint)
    ON CONFLICT (kind, source) DO NOTHING RETURNING amount
)
UPDATE balance SET available = balance.available + $7::bigint FROM posted
WHERE balance.account_id = $1::int RETURNING balance.available;

-- name: months_due
-- Months that are over, of accounts with a plan then, whose tiers are not settled.
SELECT DISTINCT u.account_id, date_trunc('month', u.day)::date AS month FROM usage u
WHERE u.day < $1::date
    AND EXISTS (SELECT FROM account_plan p WHERE p.account_id = u.account_id
        AND p.from_month <= u.day)
    AND NOT EXISTS (SELECT FROM settled_month s WHERE s.account_id = u.account_id
        AND s.month = date_trunc('month', u.day)::date)
ORDER BY 2, 1;

-- name: month_unfinished
-- Accounts of which something ordered in a month may still change: it waits, is under way, is
-- unsure, or may still be reported as failed. Batch ids from $1 to $2 hold the month and more.
SELECT account_id FROM queue WHERE batch_id >= $1::bigint AND batch_id < $2::bigint
UNION SELECT b.account_id FROM open_window o JOIN batch b ON b.id = o.batch_id
    WHERE b.id >= $1::bigint AND b.id < $2::bigint
UNION SELECT b.account_id FROM unsure_segment u JOIN batch b ON b.id = u.batch_id
    WHERE u.settled IS NULL AND b.id >= $1::bigint AND b.id < $2::bigint
UNION SELECT account_id FROM batch
    WHERE id >= $1::bigint AND id < $2::bigint AND expires_at > $3::timestamptz
        AND spending_day(accepted_at) < $4::date;

-- name: month_settle
-- Close a month of an account; no row where it was closed before.
INSERT INTO settled_month (account_id, month, at) VALUES ($1::int, $2::date, $3::timestamptz)
ON CONFLICT DO NOTHING RETURNING true;

-- name: usage_of_month
-- What an account had accepted from a day to another, by what its price depends on.
SELECT purpose, carrier, channel, price, sum(segments - failed)::bigint AS segments FROM usage
WHERE account_id = $1::int AND day >= $2::date AND day < $3::date
GROUP BY purpose, carrier, channel, price;

-- name: tier_month_put
-- Keep what the tiers of a line came to in a month.
INSERT INTO tier_month (account_id, line_id, month, segments, charged, graduated, credit)
VALUES ($1::int, $2::int, $3::date, $4::bigint, $5::bigint, $6::bigint, $7::bigint) RETURNING id;

-- name: purses
-- An account and its sub-accounts with their money and limits.
SELECT a.id, a.name, a.currency, b.available, b.credit_limit, b.daily_limit, b.alert_below,
    CASE WHEN b.day = spending_day($2::timestamptz) THEN b.day_spent ELSE 0 END AS spent_today
FROM account a JOIN balance b ON b.account_id = a.id
WHERE a.id = $1::int OR a.parent_id = $1::int ORDER BY a.id;

-- name: balance_alerts
-- The latest falls of an account's balance below its mark.
SELECT at, available, below FROM balance_alert WHERE account_id = $1::int
ORDER BY id DESC LIMIT 20;

-- name: balance_limit_set
-- Bound what an account spends on a day.
UPDATE balance SET daily_limit = $2::bigint WHERE account_id = $1::int;

-- name: daily_limit_as_child
-- What a sub-account may spend on a day; none for an account that is nobody's.
SELECT b.daily_limit FROM balance b JOIN account a ON a.id = b.account_id
WHERE b.account_id = $1::int AND a.parent_id IS NOT NULL;

-- name: balance_alert_set
-- Mark below which an account is told.
UPDATE balance SET alert_below = $2::bigint, alerted = false WHERE account_id = $1::int;

-- name: sub_account
-- A sub-account by its name.
SELECT id FROM account WHERE parent_id = $1::int AND name = $2::text AND status <> 'closed';

-- name: posting_of
-- What a kind and source posted; `signed`: positive out of what was available.
SELECT account_id, amount, CASE WHEN debit = 2 THEN amount ELSE -amount END AS signed FROM posting
WHERE kind = $1::text AND source = $2::bigint;

-- name: credit_limit_set
-- Let an account owe so much. No row when it owes more already.
UPDATE balance SET credit_limit = $2::bigint
WHERE account_id = $1::int AND available >= -$2::bigint RETURNING true;

-- name: currency_set
-- Give an account's money a currency, while there is none.
UPDATE account SET currency = $2::text WHERE id = $1::int AND (currency = $2::text
    OR NOT EXISTS (SELECT FROM posting WHERE account_id = $1::int)
        AND NOT EXISTS (SELECT FROM account_plan WHERE account_id = $1::int)
        AND NOT EXISTS (SELECT FROM payment_intent WHERE account_id = $1::int)
        AND parent_id IS NULL
        AND NOT EXISTS (SELECT FROM account child WHERE child.parent_id = $1::int))
RETURNING true;

-- name: parent_set
-- Make an account a sub-account of another, one level deep.
UPDATE account SET parent_id = $2::int FROM account parent
WHERE account.id = $1::int AND parent.id = $2::int AND parent.id <> account.id
    AND parent.parent_id IS NULL AND parent.currency = account.currency
    AND (account.parent_id IS NULL OR account.parent_id = $2::int)
    AND NOT EXISTS (SELECT FROM account child WHERE child.parent_id = account.id)
RETURNING true;

-- name: contract_put
-- When an account's messages are paid for, from a day on.
INSERT INTO contract (account_id, from_day, charge_on) VALUES ($1::int, $2::date, $3::text)
ON CONFLICT (account_id, from_day) DO UPDATE SET charge_on = excluded.charge_on;

-- name: plan_for
-- A plan in an account's currency.
SELECT p.id FROM price_plan p JOIN account a ON a.currency = p.currency
WHERE p.name = $1::text AND a.id = $2::int;

-- name: account_plan_put
-- Give an account a plan from a month on.
INSERT INTO account_plan (account_id, from_month, plan_id) VALUES ($1::int, $2::date, $3::int)
ON CONFLICT (account_id, from_month) DO UPDATE SET plan_id = excluded.plan_id;

-- name: account_has_sent
-- Whether an account has ever had an order reserved.
SELECT EXISTS (SELECT FROM posting WHERE account_id = $1::int AND kind = 'reserve')
    OR EXISTS (SELECT FROM usage WHERE account_id = $1::int);

-- name: account_terms
-- An account's terms.
SELECT a.name, a.currency, a.price_micro, p.name AS parent, b.available, b.credit_limit,
    b.daily_limit
FROM account a JOIN balance b ON b.account_id = a.id LEFT JOIN account p ON p.id = a.parent_id
WHERE a.id = $1::int;

-- name: plans_of
-- Which plans an account has.
SELECT ap.from_month, p.name FROM account_plan ap JOIN price_plan p ON p.id = ap.plan_id
WHERE ap.account_id = $1::int ORDER BY ap.from_month;

-- name: contracts_of
-- When an account's messages are paid for.
SELECT from_day, charge_on FROM contract WHERE account_id = $1::int ORDER BY from_day;

-- name: price_plan_insert
-- Make a plan; no row when the name is used.
INSERT INTO price_plan (name, currency, created_at) VALUES ($1::text, $2::text, $3::timestamptz)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: price_line_insert
-- Make a line of a plan.
INSERT INTO price_line (plan_id, purpose, carrier, channel, from_segments, micro)
VALUES ($1::int, $2::smallint, $3::text, $4::text, $5::bigint[], $6::bigint[]);

-- name: plans_told
-- Every plan with its lines.
SELECT p.name, p.currency, l.purpose, l.carrier, l.channel, l.from_segments, l.micro
FROM price_plan p JOIN price_line l ON l.plan_id = p.id ORDER BY p.id, l.id;

-- name: rate_before
-- What was noted of a carrier for that day.
SELECT micro FROM carrier_rate WHERE carrier = $1::text AND port_number = $2::text
    AND purpose IS NOT DISTINCT FROM $3::smallint AND channel = $4::text AND from_day = $5::date;

-- name: rate_put
-- Note what a carrier asks.
INSERT INTO carrier_rate (carrier, port_number, purpose, channel, from_day, micro, currency)
VALUES ($1::text, $2::text, $3::smallint, $4::text, $5::date, $6::bigint, $7::text)
ON CONFLICT (carrier, port_number, purpose, channel, from_day) DO UPDATE SET
    micro = excluded.micro, currency = excluded.currency;

-- name: package_insert
-- Note segments bought from a carrier.
INSERT INTO carrier_package (carrier, port_number, purpose, channel, from_day, to_day, segments,
    micro, rebate_bp, currency)
VALUES ($1::text, $2::text, $3::smallint, $4::text, $5::date, $6::date, $7::bigint, $8::bigint,
    $9::int, $10::text) RETURNING id;

-- name: rates_all
-- What carriers ask.
SELECT carrier, port_number, purpose, channel, from_day, micro, currency FROM carrier_rate
ORDER BY carrier, port_number, purpose, channel, from_day;

-- name: packages_all
-- What was bought from carriers.
SELECT id, carrier, port_number, purpose, channel, from_day, to_day, segments, micro, rebate_bp,
    currency FROM carrier_package ORDER BY id;

-- name: usage_rows
-- Usage of some days, with who it was and on which port. In the order of margin.Row.
SELECT u.account_id, a.name, u.day, u.purpose::int AS purpose, u.carrier, u.channel, p.number,
    u.price, u.segments, u.failed, a.currency
FROM usage u JOIN account a ON a.id = u.account_id JOIN port p ON p.id = u.port_id
WHERE u.day >= $1::date AND u.day < $2::date
ORDER BY u.day, u.account_id, u.purpose, u.carrier, u.channel, p.number, u.price;

-- name: rebates_paid
-- What agents got for an account's months so far, by the month until which it was counted.
SELECT r.account_id, date_trunc('month', p.through)::date AS month, sum(p.amount)::bigint AS amount
FROM rebate_payment p JOIN rebate_rule r ON r.id = p.rule_id
WHERE p.through >= $1::date AND p.through < $2::date GROUP BY 1, 2 ORDER BY 1, 2;

-- name: rebate_insert
-- Propose a rule; no row unless the one is an agent and both have one currency.
INSERT INTO rebate_rule (agent_id, account_id, micro, cap_micro, end_micro, from_month, to_month,
    state, proposed_account, proposed_key, proposed_actor, at)
SELECT g.id, a.id, $3::bigint, $4::bigint, $5::bigint, $6::date, $7::date, 'proposed', $8::int,
    $9::int, $10::int, $11::timestamptz
FROM account g, account a
WHERE g.id = $1::int AND a.id = $2::int AND g.kind = 'agent' AND g.currency = a.currency
RETURNING id;

-- name: rebate_hold
-- A rule, held for this transaction.
SELECT state, proposed_key AS key_id, proposed_actor AS actor_id, agent_id, account_id FROM rebate_rule
WHERE id = $1::int FOR UPDATE;

-- name: rebate_decide
-- What a second person said of a rule.
UPDATE rebate_rule SET state = $2::text, decided_key = $3::int, decided_actor = $4::int
WHERE id = $1::int;

-- name: batches_brief
-- Whose batches are, of which day, with how many segments each message.
SELECT id, account_id, spending_day(accepted_at) AS day, segments FROM batch
WHERE id = ANY($1::bigint[]);

-- name: excluded_insert
-- Note messages that no agent is paid for.
INSERT INTO rebate_excluded (message_id, account_id, day, segments, reason, at)
SELECT m, a, d, s, $5::text, $6::timestamptz
FROM unnest($1::bigint[], $2::int[], $3::date[], $4::int[]) AS new (m, a, d, s)
ON CONFLICT DO NOTHING RETURNING message_id;

-- name: rebates_lock
-- Let rebates be paid by one at a time; what was paid is read in a later statement.
SELECT pg_advisory_xact_lock(4714);

-- name: rebates_to_pay
-- Rules that were approved once, held for this transaction, with what was paid on them and until
-- when.
SELECT r.id, r.agent_id, r.account_id, r.micro, r.cap_micro, r.from_month, r.to_month,
    g.name AS agent, a.name AS account,
    r.state = 'ended' AS ended,
    (SELECT coalesce(sum(amount), 0)::bigint FROM rebate_payment p WHERE p.rule_id = r.id) AS paid,
    (SELECT max(through) FROM rebate_payment p WHERE p.rule_id = r.id) AS through
FROM rebate_rule r JOIN account g ON g.id = r.agent_id JOIN account a ON a.id = r.account_id
WHERE r.state IN ('approved', 'ended') ORDER BY r.agent_id, r.id FOR UPDATE OF r;

-- name: rebate_months
-- What an account had accepted and paid for by month, and what of that no agent is paid for.
SELECT m.month, m.segments, coalesce((SELECT sum(e.segments) FROM rebate_excluded e
    WHERE e.account_id = $1::int AND e.day >= m.month
        AND e.day < m.month + interval '1 month'), 0)::bigint AS excluded
FROM (SELECT date_trunc('month', day)::date AS month, sum(segments - failed)::bigint AS segments
    FROM usage WHERE account_id = $1::int AND day >= $2::date AND day < $3::date AND price > 0
    GROUP BY 1) AS m
ORDER BY m.month;

-- name: balance_raw
-- What an account has, its credit not among it.
SELECT available FROM balance WHERE account_id = $1::int;

-- name: rebate_payment_insert
-- Note what is paid or taken back.
INSERT INTO rebate_payment (rule_id, through, entitled, amount, at)
VALUES ($1::int, $2::date, $3::bigint, $4::bigint, $5::timestamptz) RETURNING id;

-- name: rebates_all
-- Every rule.
SELECT r.id, r.state, r.account_id, g.name AS agent, a.name AS account, r.from_month, r.to_month,
    r.micro, r.cap_micro, r.end_micro,
    (SELECT coalesce(sum(amount), 0)::bigint FROM rebate_payment p WHERE p.rule_id = r.id) AS paid,
    (SELECT count(*)::int FROM rebate_excluded e WHERE e.account_id = r.account_id
        AND e.day >= r.from_month AND e.day < r.to_month + interval '1 month') AS excluded
FROM rebate_rule r JOIN account g ON g.id = r.agent_id JOIN account a ON a.id = r.account_id
ORDER BY r.id;

-- name: rebate_spread
-- What an account was charged for its segments, and the rate of the carrier for each.
SELECT u.price, sum(u.segments)::bigint AS segments, (SELECT c.micro FROM carrier_rate c
    JOIN port p ON p.id = u.port_id
    WHERE c.carrier = u.carrier AND c.channel = u.channel AND c.from_day <= u.day
        AND c.port_number IN ('', p.number) AND (c.purpose IS NULL OR c.purpose = u.purpose)
    ORDER BY c.port_number <> '' DESC, c.purpose IS NOT NULL DESC, c.from_day DESC LIMIT 1) AS rate
FROM usage u WHERE u.account_id = $1::int AND u.day >= $2::date AND u.day < $3::date
GROUP BY u.price, u.carrier, u.channel, u.port_id, u.purpose, u.day;

-- name: statement_head
-- Whose statement it is.
SELECT a.name, a.currency, e.legal_name FROM account a LEFT JOIN entity e ON e.id = a.entity_id
WHERE a.id = $1::int;

-- name: statement_opening
-- All the money of an account before a moment: available, reserved, released.
SELECT coalesce(sum(CASE WHEN credit IN (2, 3, 5) THEN amount ELSE 0 END
    - CASE WHEN debit IN (2, 3, 5) THEN amount ELSE 0 END), 0)::bigint
FROM posting WHERE account_id = $1::int AND at < $2::timestamptz;

-- name: statement_moves
-- What changed all the money of an account, by kind.
SELECT kind, count(*)::int AS count, sum(CASE WHEN credit IN (2, 3, 5) THEN amount ELSE 0 END
    - CASE WHEN debit IN (2, 3, 5) THEN amount ELSE 0 END)::bigint AS amount
FROM posting WHERE account_id = $1::int AND at >= $2::timestamptz AND at < $3::timestamptz
    AND (credit IN (2, 3, 5)) <> (debit IN (2, 3, 5))
GROUP BY kind ORDER BY kind;

-- name: statement_charges
-- What was charged for messages, less what was given back of it since they failed.
SELECT b.purpose, b.carrier, b.price,
    sum(CASE WHEN p.kind = 'revenue' THEN p.segments ELSE -p.segments END)::bigint AS segments,
    sum(CASE WHEN p.kind = 'revenue' THEN p.amount ELSE -p.amount END)::bigint AS amount
FROM posting p JOIN batch b ON b.id = p.batch_id
WHERE p.account_id = $1::int AND p.kind IN ('revenue', 'failed')
    AND p.at >= $2::timestamptz AND p.at < $3::timestamptz
GROUP BY b.purpose, b.carrier, b.price ORDER BY b.purpose, b.carrier, b.price;

-- name: statement_books
-- What each book of an account held at a moment.
SELECT book, sum(amount)::bigint AS amount FROM (
    SELECT credit AS book, amount FROM posting
    WHERE account_id = $1::int AND at < $2::timestamptz
    UNION ALL SELECT debit, -amount FROM posting
    WHERE account_id = $1::int AND at < $2::timestamptz) AS sides
GROUP BY book;

-- name: postings_count
-- How many postings there are.
SELECT count(*) FROM posting;

-- name: postings_odd
-- Postings that nothing stands behind: between books that their kind does not move between, of an
-- order, payment, month or rebate that is not there or is another account's, or of another amount
-- than its segments cost.
SELECT p.id, p.account_id, p.kind FROM posting p
LEFT JOIN batch b ON p.batch_id > 0 AND b.id = p.batch_id AND b.account_id = p.account_id
WHERE (p.kind, p.debit, p.credit) NOT IN (VALUES ('deposit', 1, 2), ('topup', 1, 2),
        ('topup_back', 2, 1), ('reserve', 2, 3), ('revenue', 3, 4), ('release', 3, 2),
        ('release_daily', 3, 5), ('visible', 5, 2), ('failed', 4, 2), ('tier', 4, 2),
        ('allot_out', 2, 6), ('allot_in', 6, 2), ('allot_out', 6, 2), ('allot_in', 2, 6),
        ('rebate', 7, 2), ('rebate_back', 2, 7))
    OR CASE
        WHEN p.kind IN ('revenue', 'release', 'release_daily', 'failed')
            THEN b.id IS NULL OR p.amount <> p.segments * b.price
        WHEN p.kind = 'reserve' THEN NOT EXISTS (SELECT FROM submission s
            WHERE s.id = p.source AND s.account_id = p.account_id AND s.cost = p.amount)
        WHEN p.kind = 'topup' THEN NOT EXISTS (SELECT FROM payment_line l
            WHERE l.id = p.source AND l.kind = 'credit' AND l.account_id = p.account_id)
        WHEN p.kind = 'tier' THEN NOT EXISTS (SELECT FROM tier_month t
            WHERE t.id = p.source AND t.account_id = p.account_id)
        WHEN p.kind IN ('rebate', 'rebate_back') THEN NOT EXISTS (SELECT FROM rebate_payment r
            JOIN rebate_rule u ON u.id = r.rule_id
            WHERE r.id = p.source AND u.agent_id = p.account_id)
        ELSE false END
ORDER BY p.id LIMIT 1000;

-- name: balances_checked
-- What each account may spend, and what its postings say of that: all of them but those that are
-- folded into it later and were not yet.
SELECT b.account_id, b.available, coalesce((SELECT sum(CASE WHEN p.credit = 2 THEN p.amount ELSE 0 END
        - CASE WHEN p.debit = 2 THEN p.amount ELSE 0 END)
    FROM posting p WHERE p.account_id = b.account_id
        AND (p.kind NOT IN ('release', 'visible', 'failed') OR p.xid < b.folded_to)), 0)::bigint
    AS posted
FROM balance b ORDER BY b.account_id;

-- name: limits_checked
-- What each account may spend, and how far below nothing it may go.
SELECT account_id, available, credit_limit FROM balance ORDER BY account_id;

-- name: orders_checked
-- How many orders reserved money, and those of which more was charged and given back than was
-- reserved, or less though nothing of them is under way. At least one row (its id NULL).
WITH moved AS MATERIALIZED (
    SELECT batch_id, sum(amount) AS amount FROM posting
    WHERE batch_id > 0 AND kind IN ('revenue', 'release', 'release_daily') GROUP BY batch_id
), under_way AS MATERIALIZED (
    SELECT batch_id FROM queue UNION SELECT batch_id FROM open_window
    UNION SELECT batch_id FROM unsure_segment WHERE settled IS NULL
), checked AS MATERIALIZED (
    SELECT r.source AS id, r.amount AS reserved, coalesce(sum(m.amount), 0)::bigint AS moved,
        count(w.batch_id) > 0 AS under_way
    FROM posting r LEFT JOIN batch b ON b.submission_id = r.source
    LEFT JOIN moved m ON m.batch_id = b.id LEFT JOIN under_way w ON w.batch_id = b.id
    WHERE r.kind = 'reserve' GROUP BY r.source, r.amount
)
SELECT (SELECT count(*) FROM checked) AS counted, c.id, c.reserved, c.moved
FROM (SELECT 1) AS one LEFT JOIN checked c
    ON c.moved > c.reserved OR c.moved < c.reserved AND NOT c.under_way
ORDER BY c.id LIMIT 1000;

-- name: results_unfolded
-- Answers that are stored and not folded yet.
SELECT payload FROM event WHERE kind = 'result' AND (xid, seq) > (
        coalesce((SELECT last.xid FROM event last WHERE last.seq = $1::bigint), '0'::xid8),
        $1::bigint);

-- name: usage_checked
-- What usage counts of each account, and what was charged and given back by postings.
SELECT a.id AS account_id, coalesce(u.segments, 0)::bigint AS segments,
    coalesce(u.failed, 0)::bigint AS failed, coalesce(p.charged, 0)::bigint AS charged,
    coalesce(p.refunded, 0)::bigint AS refunded
FROM account a
LEFT JOIN (SELECT account_id, sum(segments) AS segments, sum(failed) AS failed FROM usage
    WHERE price > 0 GROUP BY account_id) AS u ON u.account_id = a.id
LEFT JOIN (SELECT account_id, sum(segments) FILTER (WHERE kind = 'revenue') AS charged,
        sum(segments) FILTER (WHERE kind = 'failed') AS refunded
    FROM posting WHERE kind IN ('revenue', 'failed') AND batch_id > $1::bigint
    GROUP BY account_id) AS p ON p.account_id = a.id
ORDER BY a.id;

-- name: tier_months_checked
-- What tiers came to, and what was posted for it.
SELECT t.account_id, t.line_id, t.month, t.charged, t.graduated, t.credit,
    coalesce(p.amount, 0)::bigint AS posted
FROM tier_month t LEFT JOIN posting p ON p.kind = 'tier' AND p.source = t.id
ORDER BY t.id;

-- name: settled_months
-- Months that are closed.
SELECT account_id, month FROM settled_month ORDER BY month, account_id;

-- name: payments_checked
-- Payments, whether they were credited, and what was posted for each.
SELECT l.id, l.amount, l.state = 'credited' OR l.state = 'returned' AND EXISTS (
        SELECT FROM posting q WHERE q.kind = 'topup' AND q.source = l.id) AS credited,
    coalesce(p.amount, 0)::bigint AS posted
FROM payment_line l LEFT JOIN posting p ON p.kind = 'topup' AND p.source = l.id
WHERE l.kind = 'credit' ORDER BY l.id;

-- name: returns_checked
-- What returned payments took back by their lines, and by postings.
SELECT coalesce((SELECT sum(r.amount - r.owed) FROM payment_line r
        JOIN payment_line o ON o.id = r.original_id
        WHERE r.kind = 'return' AND EXISTS (SELECT FROM posting q
            WHERE q.kind = 'topup' AND q.source = o.id)), 0)::bigint AS taken,
    coalesce((SELECT sum(amount) FROM posting WHERE kind = 'topup_back'), 0)::bigint AS posted;

-- name: rebates_checked
-- What agents got by what is noted and by postings, and what all months could be at most.
SELECT r.id, r.cap_micro * (1 + (extract(year FROM age(r.to_month, r.from_month)) * 12
        + extract(month FROM age(r.to_month, r.from_month)))::bigint) AS cap,
    r.state IN ('approved', 'ended') AND CASE
        WHEN r.proposed_actor IS NOT NULL AND r.decided_actor IS NOT NULL
        THEN r.proposed_actor = r.decided_actor AND r.state = 'approved'
        ELSE r.proposed_key IS NOT DISTINCT FROM coalesce(r.decided_key, r.proposed_key)
            AND r.state = 'approved' END AS alone,
    coalesce((SELECT sum(p.amount) FROM rebate_payment p WHERE p.rule_id = r.id), 0)::bigint
        AS noted,
    coalesce((SELECT sum(CASE WHEN q.kind = 'rebate' THEN q.amount ELSE -q.amount END)
        FROM rebate_payment p JOIN posting q ON q.source = p.id
            AND q.kind IN ('rebate', 'rebate_back')
        WHERE p.rule_id = r.id), 0)::bigint AS posted
FROM rebate_rule r ORDER BY r.id;

-- name: batches_checked
-- Batches with what their postings moved.
WITH b AS MATERIALIZED (
    SELECT id, purpose, segments, price FROM batch WHERE id > $1::bigint ORDER BY id LIMIT $2::int
), p AS MATERIALIZED (
    SELECT batch_id, sum(segments) FILTER (WHERE kind = 'revenue') AS charged,
        sum(segments) FILTER (WHERE kind IN ('release', 'release_daily')) AS given_back,
        sum(segments) FILTER (WHERE kind = 'failed') AS failed
    FROM posting WHERE batch_id > 0 AND batch_id > $1::bigint
        AND batch_id <= (SELECT max(id) FROM b)
    GROUP BY batch_id
)
SELECT b.id, b.purpose, b.segments, b.price, coalesce(f.refunded, 0) AS refunded,
    coalesce(p.charged, 0)::bigint AS charged, coalesce(p.given_back, 0)::bigint AS given_back,
    coalesce(p.failed, 0)::bigint AS failed
FROM b LEFT JOIN batch_final f ON f.batch_id = b.id LEFT JOIN p ON p.batch_id = b.id
ORDER BY b.id;

-- name: unsure_checked
-- Unsure segments and what settled them.
SELECT batch_id, slot, segment, charged::int AS charged, released::int AS released
FROM unsure_segment WHERE batch_id = ANY($1::bigint[]);

-- name: ends_checked
-- Messages that ended without an attempt.
SELECT batch_id, slots FROM slot_end WHERE batch_id = ANY($1::bigint[]);

-- name: replies_against
-- Replies by which people refused or complained, since a moment, to ports on which an account sent
-- in some days.
SELECT r.person_id, r.at, r.complaint, p.id AS port_id FROM reply r
JOIN port p ON p.carrier = r.carrier AND r.destination LIKE p.number || '%'
WHERE r.at >= $4::timestamptz AND (r.complaint OR r.intent IN ('refuse', 'refuse_all'))
    AND p.id IN (SELECT u.port_id FROM usage u WHERE u.account_id = $1::int
        AND u.day >= $2::date AND u.day < $3::date)
ORDER BY r.complaint DESC, r.id;

-- name: batches_on_ports
-- Batches of an account on some ports, by their ids.
SELECT id, port_id, people, segments, accepted_at, spending_day(accepted_at) AS day FROM batch
WHERE account_id = $1::int AND port_id = ANY($2::int[]) AND id >= $3::bigint AND id < $4::bigint
    AND spending_day(accepted_at) >= $5::date AND spending_day(accepted_at) < $6::date
ORDER BY id LIMIT 500;
