-- What takes locks and then looks, in one call: every statement inside sees what was committed
-- while the locks were waited for (READ COMMITTED, volatile functions).

CREATE FUNCTION enter_epoch(fence int, epoch_id int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(fence, epoch_id);
    RETURN EXISTS (SELECT FROM epoch WHERE id = epoch_id AND ended_at IS NULL);
END $$;

CREATE FUNCTION commit_facts(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz)
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
    RETURN QUERY SELECT 1, NULL::text, e.group_id, e.person_id, e.purposes::int, e.position,
            NULL::timestamptz, NULL::bytea
        FROM standing_end e WHERE e.position > ends_after ORDER BY e.position;
    RETURN QUERY SELECT 2, cl.ledger, cl.key, 0, 0, cl.seq, cl.at, cl.people
        FROM unnest(ledgers, cap_keys, seen) AS k (ledger, key, seen)
        JOIN cap_claim cl ON cl.ledger = k.ledger AND cl.key = k.key AND cl.seq > k.seen
        WHERE cl.at >= since
        ORDER BY cl.seq;
END $$;

CREATE FUNCTION store_results(fence int, epoch_id int, stored_at timestamptz,
    ids bigint[], windows bigint[], batches bigint[], carriers text[], links text[],
    positions bytea[], segments bytea[], statuses bytea[], codes bytea[], carrier_ids bytea[],
    los bigint[], his bigint[], event_payload bytea,
    accounts int[], posted_batches bigint[], kinds text[], sources bigint[], debits smallint[],
    credits smallint[], counts int[], amounts bigint[], closed bigint[], finished bigint[])
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT enter_epoch(fence, epoch_id) THEN
        RETURN false;
    END IF;
    IF cardinality(ids) > 0 THEN
        INSERT INTO window_result (id, window_id, batch_id, at, carrier, link, positions, segments,
            statuses, codes, carrier_ids, lo, hi)
        SELECT i, w, b, stored_at, c, l, p, s, st, co, ci, lo, hi
        FROM unnest(ids, windows, batches, carriers, links, positions, segments, statuses, codes,
            carrier_ids, los, his) AS new (i, w, b, c, l, p, s, st, co, ci, lo, hi);
        INSERT INTO event (at, kind, account_id, subject, payload)
        VALUES (stored_at, 'result', NULL, ids[1], event_payload);
    END IF;
    IF cardinality(accounts) > 0 THEN
        INSERT INTO posting (account_id, batch_id, kind, source, debit, credit, segments, amount, at)
        SELECT a, b, k, s, d, c, g, m, stored_at
        FROM unnest(accounts, posted_batches, kinds, sources, debits, credits, counts, amounts)
            AS new (a, b, k, s, d, c, g, m);
    END IF;
    IF cardinality(closed) > 0 THEN
        DELETE FROM open_window WHERE id = ANY (closed);
    END IF;
    IF cardinality(finished) > 0 THEN
        DELETE FROM queue WHERE batch_id = ANY (finished);
    END IF;
    RETURN true;
END $$;
