-- Money: prices by plans and tiers, limits, credit, sub-accounts, what carriers ask, agents' rebates,
-- payments that come in.
-- Why: a price that falls with volume must come out exact whatever races, no balance may pass its
-- limit, and every amount must be explained by rows.
-- Old code on this schema: cannot store a code in one call (still_true has another form), and
-- refuses what only a credit limit would allow.

ALTER TABLE account ADD COLUMN currency text NOT NULL DEFAULT 'CNY'
    CHECK (currency ~ '^[A-Z]{3}$');
ALTER TABLE account ADD COLUMN parent_id int REFERENCES account;

ALTER TABLE balance DROP CONSTRAINT balance_available_check;
ALTER TABLE balance ADD COLUMN credit_limit bigint NOT NULL DEFAULT 0 CHECK (credit_limit >= 0);
ALTER TABLE balance ADD COLUMN daily_limit bigint CHECK (daily_limit >= 0);
ALTER TABLE balance ADD COLUMN alert_below bigint;
ALTER TABLE balance ADD COLUMN alerted boolean NOT NULL DEFAULT false;
ALTER TABLE balance ADD CONSTRAINT balance_within_limit CHECK (available >= -credit_limit);

ALTER TABLE batch_final ADD COLUMN refunded int NOT NULL DEFAULT 0;
ALTER TABLE batch_final ADD COLUMN sure int NOT NULL DEFAULT 0;
ALTER TABLE unsure_segment ADD COLUMN charged boolean NOT NULL DEFAULT false;
ALTER TABLE unsure_segment ADD COLUMN released boolean NOT NULL DEFAULT false;
UPDATE unsure_segment SET charged = settled = 'receipt', released = settled = 'released'
WHERE settled IN ('receipt', 'released');

DROP INDEX posting_released;
CREATE INDEX posting_released ON posting (account_id, xid)
    WHERE kind IN ('release', 'visible', 'failed');
CREATE INDEX posting_at ON posting USING brin (at);
CREATE INDEX posting_batch ON posting USING brin (batch_id) WHERE batch_id > 0;

-- The calendar day of contracts, daily limits and tiers: China's.
CREATE FUNCTION spending_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (at AT TIME ZONE interval '8 hours')::date
$$;

-- When a message is paid for. `delivered`: one that its receipt calls failed is given back.
CREATE TABLE contract (
    account_id int NOT NULL REFERENCES account,
    from_day date NOT NULL,
    charge_on text NOT NULL CHECK (charge_on IN ('accepted', 'delivered')),
    PRIMARY KEY (account_id, from_day)
);

-- Prices. A plan never changes once it is made; an account gets another one from a month on.
CREATE TABLE price_plan (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL
);

-- Segments of one month that fall under a line are counted together; the price falls as they grow.
CREATE TABLE price_line (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id int NOT NULL REFERENCES price_plan,
    purpose smallint,
    carrier text NOT NULL DEFAULT '',
    channel text NOT NULL CHECK (channel IN ('sms', 'video')),
    from_segments bigint[] NOT NULL,
    micro bigint[] NOT NULL,
    UNIQUE NULLS NOT DISTINCT (plan_id, purpose, carrier, channel),
    CHECK (cardinality(from_segments) = cardinality(micro) AND from_segments[1] = 0)
);

CREATE TABLE account_plan (
    account_id int NOT NULL REFERENCES account,
    from_month date NOT NULL CHECK (extract(day FROM from_month) = 1),
    plan_id int NOT NULL REFERENCES price_plan,
    PRIMARY KEY (account_id, from_month)
);

-- What carriers accepted, by the day of the order; kept with the states of messages (flow/fold.py).
CREATE TABLE usage (
    account_id int NOT NULL,
    day date NOT NULL,
    purpose smallint NOT NULL,
    carrier text NOT NULL,
    channel text NOT NULL,
    port_id int NOT NULL,
    price bigint NOT NULL,
    segments bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, day, purpose, carrier, channel, port_id, price)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);

-- A month of an account after which nothing of it changes any more, and what its tiers came to.
CREATE TABLE settled_month (
    account_id int NOT NULL REFERENCES account,
    month date NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, month)
);

CREATE TABLE tier_month (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    line_id int NOT NULL REFERENCES price_line,
    month date NOT NULL,
    segments bigint NOT NULL,
    charged bigint NOT NULL,
    graduated bigint NOT NULL,
    credit bigint NOT NULL CHECK (credit >= 0),
    UNIQUE (account_id, line_id, month)
);

-- Each time an account's balance fell below the mark that it had set.
CREATE TABLE balance_alert (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    at timestamptz NOT NULL,
    available bigint NOT NULL,
    below bigint NOT NULL
);
CREATE INDEX balance_alert_account ON balance_alert (account_id, id);

-- What carriers ask. port_number '' and purpose NULL: any.
CREATE TABLE carrier_rate (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    port_number text NOT NULL DEFAULT '',
    purpose smallint,
    channel text NOT NULL CHECK (channel IN ('sms', 'video')),
    from_day date NOT NULL,
    micro bigint NOT NULL CHECK (micro >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    UNIQUE NULLS NOT DISTINCT (carrier, port_number, purpose, channel, from_day)
);

-- So many segments bought from a carrier for a time, and the part of their price that comes back.
CREATE TABLE carrier_package (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text NOT NULL,
    port_number text NOT NULL DEFAULT '',
    purpose smallint,
    channel text NOT NULL CHECK (channel IN ('sms', 'video')),
    from_day date NOT NULL,
    to_day date NOT NULL,
    segments bigint NOT NULL CHECK (segments > 0),
    micro bigint NOT NULL CHECK (micro >= 0),
    rebate_bp int NOT NULL DEFAULT 0 CHECK (rebate_bp BETWEEN 0 AND 10000),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    CHECK (to_day >= from_day)
);

-- What an agent gets for the messages of an account. In force once a second person approved it.
CREATE TABLE rebate_rule (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id int NOT NULL REFERENCES account,
    account_id int NOT NULL REFERENCES account,
    micro bigint NOT NULL CHECK (micro > 0),
    cap_micro bigint NOT NULL CHECK (cap_micro > 0),
    end_micro bigint NOT NULL CHECK (end_micro >= 0),
    from_month date NOT NULL,
    to_month date NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'refused', 'ended')),
    proposed_account int NOT NULL,
    proposed_key int NOT NULL,
    proposed_actor int,
    decided_key int,
    decided_actor int,
    at timestamptz NOT NULL,
    CHECK (to_month >= from_month)
);

-- Messages for which no agent is paid: their receiver refused after them, or complained.
CREATE TABLE rebate_excluded (
    message_id bigint PRIMARY KEY,
    account_id int NOT NULL,
    day date NOT NULL,
    segments int NOT NULL,
    reason text NOT NULL CHECK (reason IN ('refused', 'complained')),
    at timestamptz NOT NULL
);
CREATE INDEX rebate_excluded_account ON rebate_excluded (account_id, day);

-- What was paid to an agent, or (negative) taken back, and what it was owed by then in all.
CREATE TABLE rebate_payment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id int NOT NULL REFERENCES rebate_rule,
    through date NOT NULL,
    entitled bigint NOT NULL,
    amount bigint NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX rebate_payment_rule ON rebate_payment (rule_id);

-- Money that a customer says it will pay, by a code that it writes on the transfer.
CREATE TABLE payment_intent (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    reference text NOT NULL UNIQUE,
    amount bigint NOT NULL CHECK (amount > 0),
    received bigint NOT NULL DEFAULT 0,
    currency text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'partial', 'paid', 'overpaid', 'cancelled')),
    created_at timestamptz NOT NULL
);
CREATE INDEX payment_intent_account ON payment_intent (account_id, id);

-- A line that a bank told of. Who paid is sealed (flow/vault.py).
CREATE TABLE payment_line (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    port text NOT NULL,
    external_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('credit', 'return')),
    booked_on date NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    payer_sealed bytea NOT NULL,
    digest bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('credited', 'held', 'sent_back', 'returned')),
    why text NOT NULL DEFAULT '',
    account_id int REFERENCES account,
    intent_id bigint REFERENCES payment_intent,
    original_id bigint REFERENCES payment_line,
    owed bigint NOT NULL DEFAULT 0,
    at timestamptz NOT NULL,
    UNIQUE (port, external_id)
);
CREATE INDEX payment_line_held ON payment_line (id) WHERE state = 'held';
CREATE INDEX payment_line_owed ON payment_line (account_id) WHERE owed > 0;

-- What staff want done with a held line; done when two of them want the same.
CREATE TABLE payment_wish (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line_id bigint NOT NULL REFERENCES payment_line,
    wish text NOT NULL CHECK (wish IN ('release', 'return')),
    account_id int REFERENCES account,
    key_account int NOT NULL,
    key_id int NOT NULL,
    actor_id int,
    at timestamptz NOT NULL
);
CREATE INDEX payment_wish_line ON payment_wish (line_id);

-- Notices of payment ports that were taken, so that none is taken twice.
CREATE TABLE payment_notice (
    port text NOT NULL,
    nonce text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (port, nonce)
);

-- Whether an order may be taken from a balance on a day: neither the limit of its credit nor that
-- of the day is passed. Every taking asks it, in the statement that takes.
CREATE FUNCTION may_spend(available bigint, credit_limit bigint, daily_limit bigint, day date,
    day_spent bigint, cost bigint, today date)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT available + credit_limit >= cost AND (daily_limit IS NULL
        OR CASE WHEN day = today THEN day_spent ELSE 0 END + cost <= daily_limit)
$$;

DROP FUNCTION still_true;
CREATE FUNCTION still_true(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz,
    account int, cost bigint, at timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF classes IS NULL THEN
        RETURN true; -- the caller holds the locks and has looked
    END IF;
    IF (SELECT count(*) FROM commit_facts(classes, keys, shared, epoch_id, ends_after, ledgers,
            cap_keys, seen, since)) <> 1 THEN
        RETURN false; -- no row: the epoch is over; more than one: something is new
    END IF;
    IF cost > 0 THEN
        PERFORM 1 FROM balance b WHERE b.account_id = account AND may_spend(b.available,
            b.credit_limit, b.daily_limit, b.day, b.day_spent, cost, spending_day(at)) FOR UPDATE;
        RETURN FOUND;
    END IF;
    RETURN true;
END $$;


-- Usage is counted of batches after the last that stands here now.
INSERT INTO cursor (name, seq) SELECT 'usage_from', coalesce(max(id), 0) FROM batch;
