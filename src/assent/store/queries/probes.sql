-- Codes to numbers in a row, over all processes.

-- name: probes_tell
-- Add numbers to ranges ($4: a bit each, in words of 0 and 1), in the order of their keys.
INSERT INTO probe_range (rule, place, window_no, bits, at)
SELECT r, p, w, b::varbit, $5::timestamptz
FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[]) AS new (r, p, w, b)
ON CONFLICT (rule, place, window_no) DO UPDATE
SET bits = CASE WHEN length(probe_range.bits) = length(excluded.bits)
    THEN probe_range.bits | excluded.bits ELSE excluded.bits END, at = excluded.at;

-- name: probes_since
-- Ranges that changed since a time.
SELECT rule, place, window_no, bits::text AS bits FROM probe_range
WHERE at > $1::timestamptz;

-- name: probes_forget
-- Forget ranges of before a time.
DELETE FROM probe_range WHERE at < $1::timestamptz;
