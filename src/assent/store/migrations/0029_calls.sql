-- Complaints that are told on the telephone; looks of the call centre are counted.
-- Why: the operator's call centre has a screen; who works there sees of a caller what a refusal
-- needs, and no more than so many callers an hour.
-- Old code on this schema: it knows complaints of the receivers' page only, and reads others as such.

ALTER TABLE complaint DROP CONSTRAINT complaint_source_check;
ALTER TABLE complaint ADD CONSTRAINT complaint_source_check
    CHECK (source IN ('receiver', 'telephone'));
CREATE INDEX staff_act_looks ON staff_act (actor_id, at) WHERE what = 'call.look';
