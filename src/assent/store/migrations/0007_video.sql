-- Video messages: contents made of frames that people review, a price and a channel of their own.
-- Why: a video message needs octets kept, every frame reviewed, and a way through the queue.
-- Old code on this schema: runs; it knows no video and leaves the new columns NULL.

ALTER TABLE account ADD COLUMN price_video_micro bigint CHECK (price_video_micro >= 0);
ALTER TABLE programme ADD CONSTRAINT programme_channel CHECK (channel IN ('sms', 'video'));
ALTER TABLE batch ADD COLUMN video_id bigint;

-- Contents of video messages -------------------------------------------------------------------

-- Octets of frames, each once, by their SHA-256. The limits of an upload bound them.
CREATE TABLE blob (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    octets bytea NOT NULL
);
ALTER TABLE blob ALTER COLUMN octets SET STORAGE EXTERNAL; -- pictures hardly compress

-- Ordered frames for one sender and purpose. Approved when every frame is; nothing of one that is
-- not leaves.
CREATE TABLE video (
    id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    sender_id int NOT NULL REFERENCES sender,
    purpose smallint NOT NULL,
    subject text NOT NULL,
    basis text NOT NULL,     -- why receivers get it without standing; '' where consent is needed
    digest bytea NOT NULL,   -- SHA-256 over subject, basis and frames: the same again is the same
    octets int NOT NULL,
    text text NOT NULL,      -- of its text frames, a line each: what the rules judge
    state text NOT NULL CHECK (state IN ('submitted', 'approved', 'rejected', 'withdrawn')),
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, sender_id, purpose, digest)
);
CREATE INDEX video_waiting ON video (id) WHERE state = 'submitted';

CREATE TABLE video_frame (
    video_id bigint NOT NULL REFERENCES video,
    place smallint NOT NULL, -- from 1
    name text NOT NULL,      -- of the customer's file; never sent
    media_type text NOT NULL,
    octets int NOT NULL,
    sha256 bytea NOT NULL REFERENCES blob,
    PRIMARY KEY (video_id, place)
);

-- What people who reviewed said, every word kept; the last one about a frame counts.
CREATE TABLE video_review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id bigint NOT NULL,
    place smallint NOT NULL,
    approved boolean NOT NULL,
    reason text NOT NULL,
    reviewer text NOT NULL,  -- the person, by name
    key_id int NOT NULL,     -- the API key that the person used
    at timestamptz NOT NULL,
    FOREIGN KEY (video_id, place) REFERENCES video_frame
);
CREATE INDEX video_review_frame ON video_review (video_id, place, id);
