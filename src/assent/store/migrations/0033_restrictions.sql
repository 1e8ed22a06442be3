-- Restrictions bind what is queued: commits look for them, messages end by them.
-- Why: a restriction holds from its commit on, for every way in and for every batch in the queue.
-- Old code on this schema: it knows no restriction and obeys none; do not roll back while
-- restrictions are in force.

DROP FUNCTION still_true;
DROP FUNCTION commit_facts;
CREATE FUNCTION commit_facts(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz,
    restricted_after bigint DEFAULT NULL)
RETURNS TABLE (kind int, ledger text, a int, b int, c int, n bigint, at timestamptz, people bytea)
LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(classes) LOOP
        IF shared[i] THEN
            PERFORM pg_advisory_xact_lock_shared(classes[i], keys[i]);
        ELSE
            PERFORM pg_advisory_xact_lock(classes[i], keys[i]);
        END IF;
    END LOOP;
    RETURN QUERY SELECT 0, NULL::text, 0, 0, 0, 0::bigint, NULL::timestamptz, NULL::bytea
        FROM epoch WHERE epoch.id = epoch_id AND epoch.ended_at IS NULL;
    RETURN QUERY SELECT 1, nullif(e.programme_id, 0)::text, e.group_id, e.person_id,
            e.purposes::int, e.position, NULL::timestamptz, NULL::bytea
        FROM standing_end e WHERE e.position > ends_after ORDER BY e.position;
    RETURN QUERY SELECT 2, cl.ledger, cl.key, 0, 0, cl.seq, cl.at, cl.people
        FROM unnest(ledgers, cap_keys, seen) AS k (ledger, key, seen)
        JOIN cap_claim cl ON cl.ledger = k.ledger AND cl.key = k.key AND cl.seq > k.seen
        WHERE cl.at >= since
        ORDER BY cl.seq;
    RETURN QUERY SELECT 3, NULL::text, 0, 0, 0, r.id, NULL::timestamptz, NULL::bytea
        FROM restriction r WHERE r.id > restricted_after AND r.lifted_at IS NULL LIMIT 1;
END $$;

CREATE FUNCTION still_true(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz,
    account int, cost bigint, at timestamptz,
    restricted_after bigint DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF classes IS NULL THEN
        RETURN true; -- the caller holds the locks and has looked
    END IF;
    IF (SELECT count(*) FROM commit_facts(classes, keys, shared, epoch_id, ends_after, ledgers,
            cap_keys, seen, since, restricted_after)) <> 1 THEN
        RETURN false; -- no row: the epoch is over; more than one: something is new
    END IF;
    IF cost > 0 THEN
        PERFORM 1 FROM balance b WHERE b.account_id = account AND may_spend(b.available,
            b.credit_limit, b.daily_limit, b.day, b.day_spent, cost, spending_day(at)) FOR UPDATE;
        RETURN FOUND;
    END IF;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION state_word(state int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (ARRAY['queued', 'attempted', 'accepted', 'delivered', 'failed', 'refused',
        'withheld', 'cancelled', 'expired', 'over_cap', 'unsure', 'stopped',
        'restricted'])[state + 1]
$$;
