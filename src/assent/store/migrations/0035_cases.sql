-- Cases: words beside their steps, where a repeat offender's begin, one open case for each of whom
-- they may be about.
-- Why: a case's steps are never changed, but what is sealed is sealed anew when the vault gets a new
-- key. Two processes that see the same alarm open one case.
-- Old code on this schema: it knows no cases.

ALTER TABLE case_step DROP COLUMN sealed;
CREATE TABLE case_word (
    step_id bigint PRIMARY KEY REFERENCES case_step,
    sealed bytea NOT NULL
);
ALTER TABLE case_file
    ADD COLUMN start text NOT NULL DEFAULT '',
    ADD COLUMN ladder text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX case_file_one ON case_file (sender_id, account_id, port_id) NULLS NOT DISTINCT
    WHERE kind = 'enforcement' AND state = 'open';
CREATE INDEX case_file_entity ON case_file (entity_id, id) WHERE entity_id IS NOT NULL;
