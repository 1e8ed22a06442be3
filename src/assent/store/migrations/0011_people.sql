-- The people who act: how they prove who they are, their sessions and roles, mail to them, and the
-- vault's mark. Customers' link secrets are sealed from now on (in code, when a process starts).
-- Why: who may send begins with who may act; what proves it must not lie open in the database.
-- Old code on this schema: finds no secret of a customer's link once new code has sealed it.

CREATE TABLE vault_mark (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    mark bytea NOT NULL
);

ALTER TABLE customer_link ALTER COLUMN secret DROP NOT NULL;
ALTER TABLE customer_link ADD COLUMN sealed bytea;
ALTER TABLE customer_link ADD CONSTRAINT customer_link_one_secret
    CHECK ((secret IS NULL) <> (sealed IS NULL));
