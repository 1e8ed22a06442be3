-- The chain: what of the queue waits for a broken link, and what an account spent today.
-- Why: dispatch holds what may not leave now and tells why; limits of a day are counted where the
-- money is taken.
-- Old code on this schema: leases what is held for a broken link, and counts no day.

ALTER TABLE queue ADD COLUMN broken text[] NOT NULL DEFAULT '{}';
ALTER TABLE port ADD COLUMN signature_lapsed_at timestamptz;
ALTER TABLE balance ADD COLUMN day date;
ALTER TABLE balance ADD COLUMN day_messages int NOT NULL DEFAULT 0;
ALTER TABLE balance ADD COLUMN day_spent bigint NOT NULL DEFAULT 0;
