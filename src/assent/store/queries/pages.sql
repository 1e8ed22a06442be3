-- Pages behind links: what leads there, looks, versions, and campaigns that wait for them.

-- name: page_templates_new
-- Templates whose links are not known yet.
SELECT t.id, t.body FROM template t
WHERE t.status IN ('submitted', 'active')
    AND NOT EXISTS (SELECT FROM page_scan s WHERE s.kind = 'template' AND s.subject = t.id)
ORDER BY t.id LIMIT 200;

-- name: page_campaigns_new
-- Campaigns whose links are not known yet; of those that are over, the ones ordered since $1.
SELECT c.id, c.request, c.template_id, c.audience_id, t.body FROM campaign c
    LEFT JOIN template t ON t.id = c.template_id
WHERE (c.state IN ('running', 'paused') OR c.created_at > $1::timestamptz)
    AND NOT EXISTS (SELECT FROM page_scan s WHERE s.kind = 'campaign' AND s.subject = c.id)
ORDER BY c.id LIMIT 50;

-- name: page_scanned
-- The links of a template or campaign are known.
INSERT INTO page_scan (kind, subject, at) VALUES ($1::text, $2::bigint, $3::timestamptz)
ON CONFLICT DO NOTHING;

-- name: page_put
-- A link leads to a page: looked at soon, unless that was done since $5.
INSERT INTO page (url, digest, host, state, first_at, next_at)
VALUES ($1::text, $2::bytea, $3::text, 'new', $4::timestamptz, $4::timestamptz)
ON CONFLICT (digest) DO UPDATE SET next_at = CASE
    WHEN page.looked_at > $5::timestamptz THEN coalesce(page.next_at, $4::timestamptz)
    ELSE least(page.next_at, $4::timestamptz) END
RETURNING id, state;

-- name: page_use_template
-- A template leads to a page.
INSERT INTO page_use (page_id, template_id) VALUES ($1::int, $2::int)
ON CONFLICT (page_id, template_id) DO NOTHING;

-- name: page_use_campaign
-- A campaign leads to a page.
INSERT INTO page_use (page_id, campaign_id) VALUES ($1::int, $2::bigint)
ON CONFLICT (page_id, campaign_id) DO NOTHING;

-- name: pages_claim
-- Pages that are due, those that waited longest first, one a host and none of the hosts $4; nobody
-- else looks at them before $2.
UPDATE page SET next_at = $2::timestamptz
WHERE id IN (SELECT due.id FROM (
        SELECT DISTINCT ON (p.host) p.id, p.next_at FROM page p
        WHERE p.next_at <= $1::timestamptz AND NOT p.host = ANY ($4::text[])
        ORDER BY p.host, p.next_at) due
    ORDER BY due.next_at LIMIT $3::int)
RETURNING id, url, host;

-- name: page_hold
-- A page, locked until the transaction ends.
SELECT * FROM page WHERE id = $1::int FOR UPDATE;

-- name: page_get
-- A page.
SELECT * FROM page WHERE id = $1::int;

-- name: pages_list
-- Pages after an id, in one state or (NULL) in any.
SELECT p.*, (SELECT count(*)::int FROM page_use u WHERE u.page_id = p.id
        AND u.template_id IS NOT NULL) AS templates,
    (SELECT count(*)::int FROM page_use u WHERE u.page_id = p.id
        AND u.campaign_id IS NOT NULL) AS campaigns
FROM page p
WHERE ($1::text IS NULL OR p.state = $1::text) AND p.id > $2::int ORDER BY p.id LIMIT $3::int;

-- name: page_users
-- What leads to a page: templates in use or under review, campaigns with what they may still send.
SELECT u.template_id, u.campaign_id, u.paused_at, coalesce(c.state, t.status) AS state,
    c.created_at,
    coalesce(c.name, t.name) AS name, coalesce(c.account_id, t.account_id) AS account_id,
    coalesce(c.sender_id, t.sender_id) AS sender_id,
    coalesce(c.state IN ('running', 'paused') OR (c.state = 'done'
        AND EXISTS (SELECT FROM queue q WHERE q.campaign_id = c.id)),
        t.status IN ('submitted', 'active')) AS live
FROM page_use u LEFT JOIN campaign c ON c.id = u.campaign_id
    LEFT JOIN template t ON t.id = u.template_id
WHERE u.page_id = $1::int ORDER BY u.id;

-- name: page_sender_hosts
-- Hosts that were filed for those whose texts lead to a page.
SELECT DISTINCT h.host FROM page_use u LEFT JOIN campaign c ON c.id = u.campaign_id
    LEFT JOIN template t ON t.id = u.template_id
    JOIN filed_host h ON h.sender_id = coalesce(c.sender_id, t.sender_id) AND h.state = 'active'
WHERE u.page_id = $1::int;

-- name: page_looked
-- What a look came to, and when the next one is due.
UPDATE page SET state = $2::text, outcome = $3::text, why = $4::text, findings = $5::text::jsonb,
    failures = $6::int, doubts = $7::int, looked_at = $8::timestamptz, next_at = $9::timestamptz
WHERE id = $1::int;

-- name: page_due_now
-- Look at a page as soon as there is room.
UPDATE page SET next_at = $2::timestamptz WHERE id = $1::int;

-- name: page_state
-- A reviewer decided, or asks for a decision: where a page stands, and what was accepted of it.
UPDATE page SET state = $2::text, accepted = $3::text[], doubts = 0, failures = 0 WHERE id = $1::int;

-- name: page_version_put
-- A kind of visitor saw this; the same again is no new version.
INSERT INTO page_version (page_id, profile, digest, look, first_at, last_at)
VALUES ($1::int, $2::text, $3::bytea, $4::bytea, $5::timestamptz, $5::timestamptz)
ON CONFLICT (page_id, profile, digest) DO UPDATE
SET looks = page_version.looks + 1, last_at = excluded.last_at
RETURNING id;

-- name: page_baselines
-- The versions that later looks are compared with.
SELECT DISTINCT ON (profile) id, profile, look FROM page_version
WHERE page_id = $1::int AND accepted_at IS NOT NULL ORDER BY profile, accepted_at DESC, id DESC;

-- name: page_versions
-- The versions of a page, newest first, without what they hold.
SELECT id, profile, looks, first_at, last_at, accepted_at FROM page_version
WHERE page_id = $1::int ORDER BY last_at DESC, id DESC LIMIT 200;

-- name: page_versions_get
-- Some versions of a page with what they hold.
SELECT id, profile, look, first_at, last_at FROM page_version
WHERE page_id = $1::int AND id = ANY ($2::bigint[]) ORDER BY profile, id;

-- name: page_accept
-- Later looks are compared with these versions.
UPDATE page_version SET accepted_at = $2::timestamptz WHERE id = ANY ($1::bigint[]);

-- name: page_pause
-- Campaigns that lead to a page rest, also those whose last messages wait in the queue.
UPDATE campaign c SET state = 'paused' FROM page_use u
WHERE u.page_id = $1::int AND c.id = u.campaign_id AND (c.state = 'running' OR (c.state = 'done'
    AND EXISTS (SELECT FROM queue q WHERE q.campaign_id = c.id)))
RETURNING c.id;

-- name: page_paused
-- Note which campaigns rest because of a page.
UPDATE page_use SET paused_at = $3::timestamptz
WHERE page_id = $1::int AND campaign_id = ANY ($2::bigint[]);

-- name: page_release
-- A page holds nobody any more; return the campaigns that rested because of it and of nothing else.
WITH freed AS (
    UPDATE page_use SET paused_at = NULL WHERE page_id = $1::int AND paused_at IS NOT NULL
    RETURNING campaign_id
)
SELECT f.campaign_id FROM freed f
WHERE NOT EXISTS (SELECT FROM page_use o JOIN page p ON p.id = o.page_id
        WHERE o.campaign_id = f.campaign_id AND p.id <> $1::int AND p.state IN ('held', 'stopped'))
    AND NOT EXISTS (SELECT FROM consent_import i WHERE f.campaign_id = ANY (i.paused));

-- name: page_resume
-- Campaigns go on.
UPDATE campaign SET state = 'running' WHERE id = ANY ($1::bigint[]) AND state = 'paused'
RETURNING id;

-- name: page_stop
-- Campaigns that rest because of a page are stopped for good.
UPDATE campaign c SET state = 'stopped' FROM page_use u
WHERE u.page_id = $1::int AND u.campaign_id = c.id AND u.paused_at IS NOT NULL
    AND c.state = 'paused'
RETURNING c.id;

-- name: page_holds_campaign
-- The page that a campaign of an account waits for, if there is one.
SELECT p.id FROM page_use u JOIN page p ON p.id = u.page_id JOIN campaign c ON c.id = u.campaign_id
WHERE c.id = $1::bigint AND c.account_id = $2::int AND p.state IN ('held', 'stopped') ORDER BY p.id LIMIT 1;

-- name: page_use_forget
-- Somebody else decided about a campaign: the page's release does not start it.
UPDATE page_use u SET paused_at = NULL FROM campaign c
WHERE c.id = $1::bigint AND c.account_id = $2::int AND u.campaign_id = c.id;

-- name: page_versions_prune
-- Versions that nobody saw for long, but for those that are compared with or lie on the desk.
DELETE FROM page_version v WHERE v.last_at < $1::timestamptz
    AND v.accepted_at IS NULL
    AND NOT EXISTS (SELECT FROM page p WHERE p.id = v.page_id AND p.state = 'held');

-- name: pages_prune
-- Pages to which nothing leads any more since long.
DELETE FROM page p WHERE p.next_at IS NULL AND p.looked_at < $1::timestamptz AND p.state <> 'held';
