-- Contents of video messages and their review.

-- name: blob_put
-- Keep some octets, once.
INSERT INTO blob (sha256, octets) VALUES ($1::bytea, $2::bytea) ON CONFLICT (sha256) DO NOTHING;

-- name: video_insert
-- Keep a content; no row when the account handed the same in before.
INSERT INTO video (id, account_id, sender_id, purpose, subject, basis, digest, octets, text, state,
    created_at)
VALUES ($1::bigint, $2::int, $3::int, $4::smallint, $5::text, $6::text, $7::bytea, $8::int,
    $9::text, 'submitted', $10::timestamptz)
ON CONFLICT (account_id, sender_id, purpose, digest) DO NOTHING RETURNING id;

-- name: video_same
-- The content that an account handed in before.
SELECT id FROM video WHERE account_id = $1::int AND sender_id = $2::int
    AND purpose = $3::smallint AND digest = $4::bytea;

-- name: video_frame_insert
-- A frame of a content.
INSERT INTO video_frame (video_id, place, name, media_type, octets, sha256)
VALUES ($1::bigint, $2::smallint, $3::text, $4::text, $5::int, $6::bytea);

-- name: video_get
-- A content, of one account or (NULL) of any.
SELECT v.*, s.credit_code, s.legal_name FROM video v JOIN sender s ON s.id = v.sender_id
WHERE v.id = $1::bigint AND ($2::int IS NULL OR v.account_id = $2::int);

-- name: video_frames
-- The frames of some contents, each with the last word of a reviewer.
SELECT f.video_id, f.place, f.name, f.media_type, f.octets, f.sha256, r.approved, r.reason,
    r.reviewer, r.at
FROM video_frame f LEFT JOIN LATERAL (
    SELECT approved, reason, reviewer, at FROM video_review
    WHERE video_id = f.video_id AND place = f.place ORDER BY id DESC LIMIT 1) r ON true
WHERE f.video_id = ANY($1::bigint[]) ORDER BY f.video_id, f.place;

-- name: videos_waiting
-- Contents with a frame that nobody has reviewed, oldest first, after a cursor.
SELECT v.*, s.credit_code, s.legal_name FROM video v JOIN sender s ON s.id = v.sender_id
WHERE v.state = 'submitted' AND v.id > $1::bigint ORDER BY v.id LIMIT $2::int;

-- name: videos_waiting_of
-- How many contents of an account wait for review.
SELECT count(*) FROM video WHERE account_id = $1::int AND state = 'submitted';

-- name: video_frame_octets
-- The octets of a frame, of one account's content or (NULL) of any.
SELECT f.media_type, b.octets FROM video v
JOIN video_frame f ON f.video_id = v.id AND f.place = $2::smallint
JOIN blob b ON b.sha256 = f.sha256
WHERE v.id = $1::bigint AND ($3::int IS NULL OR v.account_id = $3::int);

-- name: video_hold
-- Where a content stands, held until the transaction ends: one reviewer at a time.
SELECT state FROM video WHERE id = $1::bigint FOR UPDATE;

-- name: video_review_insert
-- What a reviewer said of a frame; no row where there is no such frame.
INSERT INTO video_review (video_id, place, approved, reason, reviewer, key_id, at)
SELECT video_id, place, $3::boolean, $4::text, $5::text, $6::int, $7::timestamptz
FROM video_frame WHERE video_id = $1::bigint AND place = $2::smallint RETURNING id;

-- name: video_set_state
-- Where a content stands now.
UPDATE video SET state = $2::text WHERE id = $1::bigint;

-- name: video_bundle
-- What goes out of a content, frame by frame; nothing unless it is approved.
SELECT v.subject, f.media_type, b.octets FROM video v
JOIN video_frame f ON f.video_id = v.id JOIN blob b ON b.sha256 = f.sha256
WHERE v.id = $1::bigint AND v.state = 'approved' ORDER BY f.place;

-- name: video_state
-- Where a content stands.
SELECT state FROM video WHERE id = $1::bigint;
