-- Counts an hour: what of a batch, a complaint and a refusal is counted; where people are, what a
-- text is and why a message failed are kept when they are known.
-- Why: rates are told by province, category and the carrier's code, exactly, also after a crash and
-- after somebody was erased.
-- Old code on this schema: it keeps none of these, and nothing counts.

ALTER TABLE batch
    ADD COLUMN provinces bytea,
    ADD COLUMN category text NOT NULL DEFAULT '';
ALTER TABLE receipt_log ADD COLUMN codes bytea;
ALTER TABLE receipt_parked ADD COLUMN code bigint NOT NULL DEFAULT 0;
ALTER TABLE template_screening ADD COLUMN category text;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT c.oid::regclass AS name, a.attname FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND a.attnum > 0
            AND c.relkind IN ('r', 'p') AND (
                c.oid IN (SELECT inhrelid FROM pg_inherits
                    WHERE inhparent IN ('batch'::regclass, 'receipt_log'::regclass))
                OR c.oid IN ('batch'::regclass, 'receipt_log'::regclass))
            AND a.attname IN ('provinces', 'codes')
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE EXTERNAL', one.name,
            one.attname);
    END LOOP;
END $$;

-- What of a batch is counted: a row from the moment it is. Which message had which end is kept, so
-- that nothing is counted twice, whatever is read again.
CREATE TABLE rollup_batch (
    batch_id bigint PRIMARY KEY,
    ends bytea,  -- u8 a message: 1 delivered, 2 failed; NULL: none yet
    codes bytea  -- u64 a message: the greatest code of a failure that was told; NULL: none
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE rollup_batch ALTER COLUMN ends SET STORAGE EXTERNAL;
ALTER TABLE rollup_batch ALTER COLUMN codes SET STORAGE EXTERNAL;

-- Where a complaint is counted.
CREATE TABLE rollup_complaint (
    complaint_id bigint PRIMARY KEY,
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    carrier text NOT NULL,
    province smallint NOT NULL,
    category text NOT NULL,
    purpose smallint NOT NULL
);

-- Where a refusal is counted, by its place in the ledger.
CREATE TABLE rollup_refusal (
    position bigint PRIMARY KEY,
    at timestamptz NOT NULL,    -- when she refused
    message_id bigint NOT NULL, -- the last one that she got from those she refused; 0: none
    hour timestamptz NOT NULL,
    port_id int NOT NULL,
    sender_id int NOT NULL,
    account_id int NOT NULL,
    carrier text NOT NULL,
    province smallint NOT NULL,
    category text NOT NULL,
    purpose smallint NOT NULL
);
CREATE INDEX rollup_refusal_message ON rollup_refusal (message_id) WHERE message_id > 0;
CREATE INDEX rollup_refusal_hour ON rollup_refusal (hour);
