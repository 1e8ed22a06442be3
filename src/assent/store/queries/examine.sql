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

-- name: replay_submissions
-- Decisions after one id and before another, of some senders and accounts (none: of all), with who
-- was not allowed and why.
SELECT s.id, s.account_id, s.campaign_id, s.sender_id, s.purpose, s.n, s.rulebook, s.numbers,
    s.position, s.at, s.screening::text AS screening, d.people, d.rows, d.reasons, d.findings,
    a.relation
FROM submission s LEFT JOIN decision d ON d.submission_id = s.id
LEFT JOIN campaign c ON c.id = s.campaign_id
LEFT JOIN audience a ON a.id = c.audience_id
WHERE s.id > $1::bigint AND s.id < $2::bigint AND s.purpose = ANY ($3::smallint[])
    AND (cardinality($4::int[]) = 0 OR s.sender_id = ANY ($4::int[]))
    AND (cardinality($5::int[]) = 0 OR s.account_id = ANY ($5::int[]))
ORDER BY s.id LIMIT $6::int;

-- name: replay_batches
-- The batches of some decisions.
SELECT id, submission_id, account_id, campaign_id, sender_id, group_id, programme_id, port_id,
    template_id, purpose, carrier, n, position, not_before, expires_at, content, people, rows,
    zones, segments, variables, video_id, accepted_at, category
FROM batch WHERE submission_id = ANY ($1::bigint[]) ORDER BY id;

-- name: replay_claims
-- Who was let through for some purposes in batches after one id and before another: what counted
-- under caps before the time that is replayed.
SELECT id, sender_id, group_id, purpose, people, not_before FROM batch
WHERE id > $1::bigint AND id < $2::bigint AND purpose = ANY ($3::smallint[])
ORDER BY id LIMIT $4::int;

-- name: replay_rulebooks
-- Every rulebook that was ever in force.
SELECT document FROM setting WHERE what = 'rulebook' ORDER BY position;

-- name: replay_reviews
-- Texts that were kept for reviewers, by their numbers.
SELECT id, sender_id, digest, sealed FROM text_review
WHERE id = ANY ($1::bigint[]) AND kind = 'text';

-- name: replay_counts
-- What was counted in each hour from one up to another for some purposes, by what a ceiling counts
-- apart ($4 to $11: group, sender, account, port, carrier, province, category, purpose; what is not
-- known is left out, as there). $12: which rate.
SELECT r.hour,
    CASE WHEN $4::boolean THEN s.group_id END AS group_id,
    CASE WHEN $5::boolean THEN r.sender_id END AS sender_id,
    CASE WHEN $6::boolean THEN r.account_id END AS account_id,
    CASE WHEN $7::boolean THEN r.port_id END AS port_id,
    CASE WHEN $8::boolean THEN r.carrier END AS carrier,
    CASE WHEN $9::boolean THEN r.province END AS province,
    CASE WHEN $10::boolean THEN r.category END AS category,
    CASE WHEN $11::boolean THEN r.purpose END AS purpose,
    sum(CASE WHEN $12::text = 'failed' THEN r.submitted
        ELSE greatest(r.submitted - r.failed, 0) END)::bigint AS messages,
    sum(CASE $12::text WHEN 'failed' THEN r.failed WHEN 'refused' THEN r.refused
        ELSE r.complained END)::bigint AS events,
    sum(r.submitted)::bigint AS submitted
FROM rollup_hour r LEFT JOIN sender s ON s.id = r.sender_id
WHERE r.hour >= $1::timestamptz AND r.hour < $2::timestamptz AND r.purpose = ANY ($3::smallint[])
    AND (NOT $4::boolean OR s.group_id IS NOT NULL) AND (NOT $5::boolean OR r.sender_id > 0)
    AND (NOT $6::boolean OR r.account_id > 0) AND (NOT $7::boolean OR r.port_id > 0)
    AND (NOT $8::boolean OR r.carrier <> '') AND (NOT $9::boolean OR r.province > 0)
    AND (NOT $10::boolean OR r.category <> '')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY r.hour;
