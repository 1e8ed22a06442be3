-- The signature of a text that a person has to look at.
-- Why: a reviewer sees what was decided about texts that are nearly the same, whoever sent them.
-- Old code on this schema: keeps none; texts without one are like nothing.

ALTER TABLE text_review ADD COLUMN signature bytea
    CONSTRAINT text_review_signature CHECK (length(signature) = 96);
CREATE INDEX text_review_decided ON text_review (id) WHERE decided_at IS NOT NULL;
