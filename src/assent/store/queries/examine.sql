-- What was decided and sent, to be looked at again.

-- name: entries_restored
-- The entries about some people up to a position, in order.
SELECT person_id, position, body FROM entry
WHERE person_id = ANY ($1::int[]) AND position <= $2::bigint ORDER BY position;

-- name: numbers_restored
-- The numbers of some people, as far as they have one still.
SELECT id, msisdn FROM person WHERE id = ANY ($1::int[]) AND msisdn IS NOT NULL;

-- name: examine_batches
-- Batches of a port after one id and before another, of some accounts (none: of all), with the
-- decision that let them through and with what became of them.
SELECT b.id, b.submission_id, b.account_id, b.campaign_id, b.sender_id, b.group_id, b.programme_id,
    b.template_id, b.purpose, b.n, b.position, b.accepted_at, b.content, b.people, b.zones,
    b.segments, b.variables, b.video_id, s.rulebook, s.screening::text AS screening, s.at, f.states
FROM batch b JOIN submission s ON s.id = b.submission_id
LEFT JOIN batch_final f ON f.batch_id = b.id
WHERE b.port_id = $1::int AND b.id > $2::bigint AND b.id < $3::bigint
    AND (cardinality($4::int[]) = 0 OR b.account_id = ANY ($4::int[]))
ORDER BY b.id LIMIT $5::int;

-- name: templates_approved
-- The gravest that a person approved of each template that was screened.
SELECT template_id, verdict FROM template_screening;
