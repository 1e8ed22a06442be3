-- Confirmations of what a receiver gives back on her page.
-- Why: whoever has her phone for a minute must not make her agree unseen.
-- Old code on this schema: it makes confirmations of refusals, as before; it would send others, made
-- by newer code, in the words of a refusal, so stop it before.

ALTER TABLE confirmation ADD COLUMN about text NOT NULL DEFAULT 'refused'
    CONSTRAINT confirmation_about CHECK (about IN ('refused', 'agreed', 'taken_back'));
