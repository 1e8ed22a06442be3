-- Confirmations of what a receiver gives back on her page; who was written to in which batch; how far
-- an instruction shows that the customer signed it.
-- Why: whoever has her phone for a minute must not make her agree unseen.
-- Old code on this schema: it makes confirmations of refusals, as before; it would send others, made
-- by newer code, in the words of a refusal, so stop it before.

ALTER TABLE confirmation ADD COLUMN about text NOT NULL DEFAULT 'refused'
    CONSTRAINT confirmation_about CHECK (about IN ('refused', 'agreed', 'taken_back'));

-- Who was written to in which batch, for finding a person's messages without reading every batch.
CREATE TABLE written_segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    low bigint NOT NULL,
    high bigint NOT NULL,
    level smallint NOT NULL,
    who int4range NOT NULL,
    people bytea NOT NULL,
    batches bytea NOT NULL
);
CREATE INDEX written_segment_who ON written_segment USING gist (who);
CREATE INDEX written_segment_range ON written_segment (level, low);
CREATE TABLE written_to (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since bigint NOT NULL,
    upto bigint NOT NULL,
    at timestamptz NOT NULL
);

-- How far an instruction shows that the customer signed it. Those of before are provisional.
ALTER TABLE instruction ADD COLUMN grade text NOT NULL DEFAULT 'provisional'
    CONSTRAINT instruction_grade CHECK (grade IN ('signed', 'provisional'));
ALTER TABLE instruction ADD COLUMN checked jsonb NOT NULL DEFAULT '{}';

-- Which numbers next to each other accounts sent codes to, of all processes together.
CREATE TABLE probe_range (
    rule text NOT NULL,
    place bytea NOT NULL,
    window_no bigint NOT NULL,
    bits varbit NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (rule, place, window_no)
);
CREATE INDEX probe_range_at ON probe_range (at);
