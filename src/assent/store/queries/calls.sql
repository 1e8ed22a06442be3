-- The call centre's screen.

-- name: call_looks_since
-- How many numbers one of the staff looked at since a time.
SELECT count(*) FROM staff_act
WHERE actor_id = $1::int AND what = 'call.look' AND at > $2::timestamptz;

-- name: lock_actor
-- What one of the staff does here is done one after the other.
SELECT pg_advisory_xact_lock(4715, $1::int);

-- name: batches_senders
-- Who wrote some batches.
SELECT DISTINCT sender_id FROM batch WHERE id = ANY($1::bigint[]) AND sender_id <> 0;

-- name: complaint_lately
-- The complaint about a sender that a person told on the telephone since a time, if there is one.
SELECT receipt_code FROM complaint
WHERE person_id = $1::int AND sender_id = $2::int AND source = 'telephone' AND at > $3::timestamptz
ORDER BY id DESC LIMIT 1;
