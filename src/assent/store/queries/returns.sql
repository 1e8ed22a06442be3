-- Coming back: what a receiver gives on her page, and its confirmation.

-- name: return_standing
-- How a person stands in a programme.
SELECT s.grade, s.until FROM standing s
WHERE s.programme_id = $1::int AND s.person_id = $2::int;

-- name: confirmation_of_return
-- A receiver agreed, or took a refusal back: she is told so once; whoever sends it hears of it.
WITH made AS (
    INSERT INTO confirmation (id, position, person_id, groups, names, receipt_code, repeat, waits,
        state, created_at, about)
    VALUES ($1::bigint, $2::bigint, $3::int, ARRAY[$4::int], $5::text, $6::text, false, '{}',
        'waiting', $7::timestamptz, $8::text)
)
SELECT pg_notify('confirm', '');
