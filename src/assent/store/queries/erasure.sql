-- Erasure, numbers with new holders, and the keeping of evidence.

-- name: number_marks_any
-- Whether any number is marked: asked in a statement of its own behind the making of people, so that
-- a mark whose erasure they waited for is seen.
SELECT EXISTS (SELECT FROM number_mark);

-- name: number_marks_among
-- Which of some digests are marks.
SELECT digest FROM number_mark WHERE digest = ANY($1::bytea[]);

-- name: number_marks_put
-- Mark numbers; one that is marked stays as it is.
INSERT INTO number_mark (digest, why, month)
SELECT d, $2::text, date_trunc('month', $3::timestamptz, 'UTC') AT TIME ZONE 'UTC'
FROM unnest($1::bytea[]) AS new (d)
ON CONFLICT (digest) DO NOTHING;

-- name: number_mark_drop
-- A receiver does not want the mark, and was told what it is for.
DELETE FROM number_mark WHERE digest = $1::bytea;
