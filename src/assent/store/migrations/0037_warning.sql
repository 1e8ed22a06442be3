-- What staff say of alarms; facts an hour that early warning counts beside rollup_hour; whom a sender
-- wrote to, as a sketch; codes that customers say were used.
-- Why: bought and generated lists, codes for harassment and laundering, drifting ports are seen early.
-- Old code on this schema: it raises no alarm and counts none of these facts.

ALTER TABLE alarm ADD COLUMN label text NOT NULL DEFAULT ''
    CONSTRAINT alarm_label CHECK (label IN ('', 'right', 'wrong'));

CREATE TABLE warning_hour (
    hour timestamptz NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    port_id int NOT NULL,
    purpose smallint NOT NULL,
    ordered bigint NOT NULL DEFAULT 0,
    nowhere bigint NOT NULL DEFAULT 0,
    barred bigint NOT NULL DEFAULT 0,
    capped bigint NOT NULL DEFAULT 0,
    written bigint NOT NULL DEFAULT 0,
    strangers bigint NOT NULL DEFAULT 0,
    looked bigint NOT NULL DEFAULT 0,
    beside bigint NOT NULL DEFAULT 0,
    again bigint NOT NULL DEFAULT 0,
    bulk bigint NOT NULL DEFAULT 0,
    pressed bigint NOT NULL DEFAULT 0,
    completed bigint NOT NULL DEFAULT 0,
    valued bigint NOT NULL DEFAULT 0,
    carrying bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, sender_id, account_id, port_id, purpose)
);

CREATE TABLE warning_sketch (
    sender_id int PRIMARY KEY REFERENCES sender,
    registers bytea NOT NULL CHECK (length(registers) = 4096)
);

CREATE TABLE code_completed (
    message_id bigint PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    at timestamptz NOT NULL
);
CREATE INDEX code_completed_at ON code_completed (at);
