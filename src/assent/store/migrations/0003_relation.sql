-- How the people of an audience stand to the sender, as the customer states it. What was uploaded
-- before nobody was asked about.

ALTER TABLE audience ADD COLUMN relation text NOT NULL DEFAULT 'unstated'
    CHECK (relation IN ('customers', 'members', 'cold', 'unstated'));
