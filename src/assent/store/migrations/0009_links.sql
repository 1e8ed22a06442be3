-- Links steered while the platform runs.
-- Why: what staff order of a link holds over restarts and reaches every process; who ordered it is
-- kept; a PDU log is shared by the processes for as long as it is on.
-- Old code on this schema: knows nothing of it, and its links go on as the settings file has them.

CREATE TABLE link_order (
    target text PRIMARY KEY,
    wish text NOT NULL CHECK (wish IN ('paused', 'drained')),
    at timestamptz NOT NULL
);

CREATE TABLE staff_act (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    account_id int NOT NULL,
    key_id int NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL
);

CREATE FUNCTION staff_act_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of staff acts is append-only'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER staff_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_act
    FOR EACH STATEMENT EXECUTE FUNCTION staff_act_is_append_only();

CREATE TABLE pdu_watch (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link text NOT NULL,
    number_mark bytea,
    until timestamptz NOT NULL,
    most int NOT NULL CHECK (most > 0),
    ended boolean NOT NULL DEFAULT false
);

CREATE UNLOGGED TABLE pdu_seen (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    watch_id int NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL
);
