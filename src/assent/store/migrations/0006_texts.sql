-- Texts, out and in.

-- How the texts of a batch are written, where that is not the usual way: in which alphabet, cut how,
-- signed by whom (text/writing.py). What it says was counted and charged, so it is what is sent.
ALTER TABLE batch ADD COLUMN writing jsonb;

-- Parts of replies that were read: where one comes again, it says nothing new.
CREATE INDEX inbound_read ON inbound (person_id, destination, reference)
    WHERE reply_id IS NOT NULL AND total > 1;
