-- Refusals by reply in one call.
-- Why: between the octets of a TD and its commit lay fourteen exchanges with the database.
-- Old code on this schema: refuses as before.

-- Refusals by whole messages, each about one group (0: everybody) and none of them standing already,
-- in one call: its messages as they came (unless they are `stored`: then they are claimed), the
-- replies read from them, entries, what they end, and a confirmation each. Tells the first position;
-- nothing is stored, and null is told, where one of the messages is here or claimed already,
-- something of it is refused already, or a correction is in somebody's past.
CREATE FUNCTION refuse_at_once(locks int[], stored_at timestamptz, stored boolean,
    inbound_ids bigint[], arrived timestamptz[], carriers text[], links text[], carrier_ids bigint[], destinations text[],
    people int[], fmts smallint[], contents bytea[],
    reply_ids bigint[], texts text[], intents text[], complaints boolean[], reaches int[],
    keyword_sets text[], keyword_digests bytea[], told bytea[],
    ended smallint[], bodies bytea[], entered_at timestamptz, octets bytea[], in_groups int[],
    confirmation_ids bigint[], named text[], codes text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    one_group int;
    held int;
    head bigint;
    waits text[];
BEGIN
    FOREACH one_group IN ARRAY locks LOOP
        PERFORM pg_advisory_xact_lock(1, one_group);
    END LOOP;
    IF EXISTS (SELECT FROM unnest(reaches, people, ended) AS new (g, p, m)
            JOIN refusal r ON r.group_id IN (new.g, 0) AND r.person_id = new.p
            WHERE r.purposes & new.m <> 0)
        OR EXISTS (SELECT FROM entry e WHERE e.kind = 8 AND e.person_id = ANY (people))
        OR NOT stored AND EXISTS (
            SELECT FROM unnest(carriers, carrier_ids, people, destinations) AS new (c, i, p, d)
            JOIN inbound ON carrier = new.c AND carrier_id = new.i AND person_id = new.p
                AND destination = new.d
            WHERE carrier_id <> -9223372036854775808)
    THEN
        RETURN NULL;
    END IF;
    IF stored THEN
        PERFORM FROM inbound WHERE id = ANY (inbound_ids) AND reply_id IS NULL FOR UPDATE;
        GET DIAGNOSTICS held = ROW_COUNT;
        IF held < cardinality(inbound_ids) THEN
            RETURN NULL;
        END IF;
        UPDATE inbound SET reply_id = r FROM unnest(inbound_ids, reply_ids) AS of (i, r)
        WHERE id = i;
    ELSE
        INSERT INTO inbound (id, at, carrier, link, carrier_id, destination, person_id, fmt,
            content, reply_id)
        SELECT i, a, c, l, ci, d, p, f, co, r
        FROM unnest(inbound_ids, arrived, carriers, links, carrier_ids, destinations, people, fmts,
            contents, reply_ids) AS new (i, a, c, l, ci, d, p, f, co, r);
    END IF;
    INSERT INTO reply (id, at, carrier, destination, person_id, text, intent, complaint, complete,
        groups, keyword_set, keyword_digest)
    SELECT i, a, c, d, p, t, w, co, true, ARRAY[g], ks, kd
    FROM unnest(reply_ids, arrived, carriers, destinations, people, texts, intents, complaints,
        reaches, keyword_sets, keyword_digests) AS new (i, a, c, d, p, t, w, co, g, ks, kd);
    INSERT INTO event (at, kind, account_id, subject, payload)
    SELECT a, 'reply', NULL, i, pl FROM unnest(reply_ids, arrived, told) AS new (i, a, pl);
    -- What is in flight to each, as array literals: under these locks nothing more can be.
    waits := ARRAY(SELECT ARRAY(SELECT o.id FROM open_window o
            JOIN attempt_window w ON w.batch_id = o.batch_id AND w.id = o.id
            JOIN batch b ON b.id = o.batch_id
            WHERE o.group_id = ANY (in_groups) AND (g = 0 OR o.group_id = g)
                AND position(oc IN b.people) > 0
                AND EXISTS (SELECT FROM unpack(w.slots, 2) s
                    WHERE value_at(b.people, 4, s.value::int) = p)
            ORDER BY o.id)::text
        FROM unnest(people, reaches, octets) WITH ORDINALITY AS new (p, g, oc, n) ORDER BY n);
    -- The last lock: whoever appends next waits for this commit.
    UPDATE entry_position SET next = next + cardinality(people)
        RETURNING next - cardinality(people) INTO head;
    INSERT INTO confirmation (id, position, person_id, groups, names, receipt_code, repeat, waits,
        state, created_at)
    SELECT i, head + n - 1, p, ARRAY[g], nm, co, false, wa::bigint[], 'waiting', stored_at
    FROM unnest(confirmation_ids, people, reaches, named, codes, waits) WITH ORDINALITY
        AS new (i, p, g, nm, co, wa, n);
    INSERT INTO entry (position, at, kind, group_id, sender_id, programme_id, person_id, body)
    SELECT head + n - 1, stored_at, 3, g, 0, 0, p, b
    FROM unnest(reaches, people, bodies) WITH ORDINALITY AS new (g, p, b, n);
    INSERT INTO standing_end (position, group_id, person_id, purposes, programme_id)
    SELECT head + n - 1, g, p, m, 0
    FROM unnest(reaches, people, ended) WITH ORDINALITY AS new (g, p, m, n);
    INSERT INTO refusal (group_id, person_id, purposes, position, at)
    SELECT g, p, m, head + n - 1, entered_at
    FROM unnest(reaches, people, ended) WITH ORDINALITY AS new (g, p, m, n)
    ON CONFLICT (group_id, person_id) DO UPDATE
    SET purposes = refusal.purposes | excluded.purposes, position = excluded.position,
        at = excluded.at;
    DELETE FROM standing s
    USING unnest(reaches, people, ended) AS gone (g, p, m), programme, sender
    WHERE s.person_id = gone.p AND programme.id = s.programme_id
        AND sender.id = programme.sender_id AND gone.g IN (sender.group_id, 0)
        AND programme.purposes & gone.m <> 0;
    PERFORM pg_notify('ledger', (head + cardinality(people) - 1)::text);
    PERFORM pg_notify('confirm', '');
    RETURN head;
END $$;
