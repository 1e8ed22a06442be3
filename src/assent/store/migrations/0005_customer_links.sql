-- Customers' own software binds to us: logins, what it handed in, what it is told.

-- A login by which a customer's own software binds to us. The secret stands here as it is, since
-- the authenticators of CMPP and SMGP are made from it.
CREATE TABLE customer_link (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    login text NOT NULL UNIQUE,
    secret text NOT NULL,
    dialects text[] NOT NULL,
    allowed text[] NOT NULL,      -- networks that it may connect from
    binds smallint NOT NULL,
    window_size smallint NOT NULL,
    rate int,                     -- submits a second, NULL for no limit
    replies boolean NOT NULL,
    reports_to text NOT NULL,     -- SGIP: HOST:PORT of the customer's own server
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);

-- Submits that are answered, and not judged yet: a row each, gone when it is judged.
CREATE TABLE handed_in (
    id bigint PRIMARY KEY,
    link_id int NOT NULL REFERENCES customer_link,
    epoch int NOT NULL,           -- who judges it
    at timestamptz NOT NULL,
    body bytea NOT NULL           -- msgpack (flow/handed.py)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX handed_in_epoch ON handed_in (epoch);

-- Of a batch that came over a customer's link: what the customer calls its messages. A message that
-- came in several parts has several ids, one after another.
CREATE TABLE link_batch (
    batch_id bigint NOT NULL,
    link_id int NOT NULL,
    at timestamptz NOT NULL,
    source text NOT NULL,
    node bigint NOT NULL,         -- SGIP: the first 32 bits of its ids; else 0
    parts bytea NOT NULL,         -- u8 ids of each message
    ids bytea NOT NULL,           -- u64
    forms bytea NOT NULL,         -- u8 how the customer wrote each number (flow/handed.py)
    wanted bytea NOT NULL,        -- u8 which reports it asked for, by message
    told bytea NOT NULL,          -- u8 1: the end of this message is in a parcel
    PRIMARY KEY (batch_id)
) PARTITION BY RANGE (batch_id);

-- Receipts and replies for a link, kept until its software has acknowledged all of a row.
CREATE TABLE parcel (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id int NOT NULL REFERENCES customer_link,
    at timestamptz NOT NULL,
    body bytea NOT NULL           -- msgpack (flow/parcels.py)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX parcel_link ON parcel (link_id, id);

ALTER TABLE handed_in ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE link_batch ALTER COLUMN parts SET STORAGE EXTERNAL;
ALTER TABLE link_batch ALTER COLUMN ids SET STORAGE EXTERNAL;
ALTER TABLE link_batch ALTER COLUMN forms SET STORAGE EXTERNAL;
ALTER TABLE link_batch ALTER COLUMN wanted SET STORAGE EXTERNAL;
ALTER TABLE link_batch ALTER COLUMN told SET STORAGE EXTERNAL;
ALTER TABLE parcel ALTER COLUMN body SET STORAGE EXTERNAL;

-- Makes the monthly partitions that hold ids made at `at` and in the `months` after.
CREATE OR REPLACE FUNCTION ensure_partitions(at timestamptz, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamptz;
    made int := 0;
    lo bigint;
    hi bigint;
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock(4712, 2); -- two processes may ask at once
    FOR i IN 0..months LOOP
        month := date_trunc('month', at, 'UTC') + make_interval(months => i);
        lo := (extract(epoch FROM month) * 1000)::bigint << 11;
        hi := (extract(epoch FROM month + interval '1 month') * 1000)::bigint << 11;
        FOREACH parent IN ARRAY ARRAY['submission', 'decision', 'batch', 'attempt_window',
            'window_result', 'slot_end', 'receipt_log', 'batch_final', 'link_batch'] LOOP
            child := parent || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
            IF to_regclass(child) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                    child, parent, lo, hi);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
