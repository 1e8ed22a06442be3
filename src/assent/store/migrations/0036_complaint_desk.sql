-- The desk of complaints: until when one is to be passed on, reminders.
-- Why: complaints are passed on and answered within working days (CN-27), from every door.
-- Old code on this schema: it writes complaints without days and reads none of this.

ALTER TABLE complaint ADD COLUMN forward_by timestamptz;
CREATE INDEX complaint_port ON complaint (port_id, id) WHERE port_id IS NOT NULL;
ALTER TABLE complaint_file ADD COLUMN done boolean NOT NULL DEFAULT false;
ALTER TABLE complaint_word
    ADD COLUMN account_id int REFERENCES account,
    ADD COLUMN about text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX complaint_reminded ON complaint_word (complaint_id, about)
    WHERE kind = 'reminder';
