-- Who was written to in which batch.

-- name: written_lock
-- One process at a time builds segments.
SELECT pg_try_advisory_xact_lock(4712, 6);

-- name: written_to
-- Which batch ids are in segments.
SELECT since, upto, at FROM written_to;

-- name: written_begin
-- None is yet, from an id on.
INSERT INTO written_to (since, upto, at) VALUES ($1::bigint, $1::bigint, $2::timestamptz)
ON CONFLICT (one) DO NOTHING;

-- name: written_up_to
-- They are up to an id.
UPDATE written_to SET upto = $1::bigint, at = $2::timestamptz;

-- name: written_batches
-- The next batches up to an id, with whom they hold.
SELECT id, people FROM batch WHERE id >= $1::bigint AND id < $2::bigint ORDER BY id LIMIT $3::int;

-- name: written_put
-- A segment of a range of ids ($1 to $2) and a level, in rows: first person, last person, pairs.
INSERT INTO written_segment (low, high, level, who, people, batches)
SELECT $1::bigint, $2::bigint, $3::smallint, int4range(f, l, '[]'), p, b
FROM unnest($4::int[], $5::int[], $6::bytea[], $7::bytea[]) AS new (f, l, p, b);

-- name: written_small
-- The oldest small segments, a range each.
SELECT low, high FROM written_segment WHERE level = 0
GROUP BY low, high ORDER BY low LIMIT $1::int;

-- name: written_take
-- Take the small segments of some ranges out, to be merged.
DELETE FROM written_segment WHERE level = 0 AND low >= $1::bigint AND high <= $2::bigint
RETURNING people, batches;

-- name: written_forget
-- Forget segments of long ago.
DELETE FROM written_segment WHERE high < $1::bigint;

-- name: written_segments_of
-- Rows of segments that a person may stand in, of ids between two.
SELECT people, batches FROM written_segment
WHERE who @> $1::int AND high > $2::bigint AND low < $3::bigint;

-- name: written_unsorted
-- Batches between two ids that hold a person ($3: the octets of her id), and are in no segment. Octets
-- may stand across two numbers, so whoever asks looks again.
SELECT id, people FROM batch
WHERE id >= $1::bigint AND id < $2::bigint AND position($3::bytea IN people) > 0;
