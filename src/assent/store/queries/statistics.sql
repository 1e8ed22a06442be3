-- Statistics (docs/statistics.md): counts of complaints and messages, users, published figures.

-- name: statistics_complaints
-- Complaints of a period, alike ones together. $1 from, $2 until. A port's number is the filed one
-- where the port is known.
SELECT count(*)::bigint AS n, c.source, c.port_type, coalesce(p.number, c.number) AS number,
    coalesce(c.sender_id, 0) AS sender, c.carrier, c.province, c.category, c.brand,
    c.matched <> '' AS matched, c.state = 'not_ours' AS not_ours
FROM complaint c LEFT JOIN port p ON p.id = c.port_id
WHERE c.complained_at >= $1 AND c.complained_at < $2
GROUP BY c.source, c.port_type, coalesce(p.number, c.number), coalesce(c.sender_id, 0), c.carrier,
    c.province, c.category, c.brand, c.matched <> '', c.state = 'not_ours';

-- name: statistics_messages
-- Messages accepted for sending, by the hour, alike ones together. $1 from,
-- $2 until.
SELECT sum(r.submitted)::bigint AS n, coalesce(p.number, '') AS number, r.sender_id AS sender,
    r.carrier, r.province, r.category
FROM rollup_hour r LEFT JOIN port p ON p.id = r.port_id
WHERE r.hour >= $1 AND r.hour < $2
GROUP BY coalesce(p.number, ''), r.sender_id, r.carrier, r.province, r.category
HAVING sum(r.submitted) > 0;

-- name: statistics_answers
-- How long the complaints of a period waited. $1 from, $2 until.
SELECT source, at, due_at, answered_at, state = 'not_ours' AS not_ours, port_type, carrier,
    province, category
FROM complaint
WHERE complained_at >= $1 AND complained_at < $2;

-- name: statistics_senders
-- What senders are called. $1 their ids.
SELECT id, legal_name, credit_code FROM sender WHERE id = ANY($1::int[]);

-- name: statistics_users
-- How many users carriers had before a day, as told last. $1 the day.
SELECT DISTINCT ON (carrier, province) carrier, province, users
FROM statistic_users
WHERE as_of < $1
ORDER BY carrier, province, as_of DESC;

-- name: statistics_users_put
-- Enter a carrier's users on a day, in place of what was told of that day. $1 carrier, $2 province,
-- $3 day, $4 users, $5 where it stands, $6 now, $7 key, $8 actor.
INSERT INTO statistic_users (carrier, province, as_of, users, source, at, key_id, actor_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (carrier, province, as_of) DO UPDATE
SET users = excluded.users, source = excluded.source, at = excluded.at, key_id = excluded.key_id,
    actor_id = excluded.actor_id
WHERE (statistic_users.users, statistic_users.source)
    IS DISTINCT FROM (excluded.users, excluded.source)
RETURNING 1;

-- name: statistics_published_put
-- Enter a published figure, in place of what that source said of it. $1 period, $2 measure,
-- $3 part, $4 value, $5 unit, $6 ours, $7 source, $8 doubt, $9 now, $10 key, $11 actor.
INSERT INTO statistic_published
    (period, measure, part, value, unit, ours, source, doubt, at, key_id, actor_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (period, measure, part, source) DO UPDATE
SET value = excluded.value, unit = excluded.unit, ours = excluded.ours, doubt = excluded.doubt,
    at = excluded.at, key_id = excluded.key_id, actor_id = excluded.actor_id
WHERE (statistic_published.value, statistic_published.unit, statistic_published.ours,
        statistic_published.doubt)
    IS DISTINCT FROM (excluded.value, excluded.unit, excluded.ours, excluded.doubt)
RETURNING 1;

-- name: statistics_published
-- Published figures of periods, in the order of their files. $1 names of periods.
SELECT period, measure, part, value, unit, ours, source, doubt
FROM statistic_published
WHERE period = ANY($1::text[])
ORDER BY period, id;
