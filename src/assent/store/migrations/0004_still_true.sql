-- Takes the locks of a commit of attempts and looks whether what the caller supposed still holds:
-- its epoch is open, nothing ended standing and nobody claimed since it read, the money is there
-- (held until the transaction ends). So a code is judged, stored and attempted in one call.
CREATE FUNCTION still_true(classes int[], keys int[], shared boolean[], epoch_id int,
    ends_after bigint, ledgers text[], cap_keys int[], seen bigint[], since timestamptz,
    account int, cost bigint)
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
        PERFORM 1 FROM balance WHERE account_id = account AND available >= cost FOR UPDATE;
        RETURN FOUND;
    END IF;
    RETURN true;
END $$;
