-- Texts that a person has to look at: reviews, labels, appeals, reports.

-- name: text_review_standing
-- What people decided about a text, by sender, purpose and digest.
SELECT id, state, approved_verdict, decided_at, expires_at FROM text_review
WHERE sender_id = $1::int AND purpose = $2::smallint AND digest = $3::bytea;

-- name: text_review_insert
-- Keep a text that is held, or that screening turned down; no row when it is kept already.
INSERT INTO text_review (sender_id, purpose, digest, kind, account_id, template_id, state, sealed,
    verdict, category, spam, findings, screening, opened_at, signature)
VALUES ($1::int, $2::smallint, $3::bytea, $4::text, $5::int, $6::int, $7::text, $8::bytea,
    $9::smallint, $10::text, $11::real, $12::text::jsonb, $13::bytea, $14::timestamptz, $15::bytea)
ON CONFLICT (sender_id, purpose, digest) DO NOTHING RETURNING id;

-- name: text_review_same
-- The review of a text, locked until the transaction ends.
SELECT * FROM text_review
WHERE sender_id = $1::int AND purpose = $2::smallint AND digest = $3::bytea FOR UPDATE;

-- name: text_review_again
-- Hold or turn down again what was approved, or what only screening turned down before.
UPDATE text_review SET state = $2::text, verdict = $3::smallint, category = $4::text,
    spam = $5::real, findings = $6::text::jsonb, screening = $7::bytea, opened_at = $8::timestamptz,
    template_id = coalesce($9::int, template_id), decided_at = NULL, expires_at = NULL,
    approved_verdict = NULL, changed_sealed = NULL, changed_to = NULL, code = '',
    signature = $10::bytea
WHERE id = $1::bigint;

-- name: text_review_hold
-- A review, locked until the transaction ends.
SELECT * FROM text_review WHERE id = $1::bigint FOR UPDATE;

-- name: text_review_get
-- A review with the names of sender and account, and the item of the desk that is about it.
SELECT t.*, s.credit_code, s.legal_name, a.name AS account,
    (SELECT i.id FROM review_item i WHERE i.kind = 'text' AND i.subject = t.id
        ORDER BY i.id DESC LIMIT 1) AS item_id
FROM text_review t JOIN sender s ON s.id = t.sender_id JOIN account a ON a.id = t.account_id
WHERE t.id = $1::bigint;

-- name: text_reviews_of
-- Reviews of an account, or of all (NULL), newest first, before one; in a state, if one is named.
SELECT t.*, s.credit_code, s.legal_name, a.name AS account, NULL::bigint AS item_id
FROM text_review t JOIN sender s ON s.id = t.sender_id JOIN account a ON a.id = t.account_id
WHERE ($1::int IS NULL OR t.account_id = $1::int) AND ($2::text IS NULL OR t.state = $2::text)
    AND ($3::bigint = 0 OR t.id < $3::bigint)
ORDER BY t.id DESC LIMIT $4::int;

-- name: text_review_proposed
-- Keep what a reviewer would make of a text.
UPDATE text_review SET changed_sealed = $2::bytea WHERE id = $1::bigint;

-- name: text_review_decided
-- Keep a decision.
UPDATE text_review SET state = $2::text, code = $3::text, decided_at = $4::timestamptz,
    expires_at = $5::timestamptz, approved_verdict = $6::smallint, changed_to = $7::bigint
WHERE id = $1::bigint;

-- name: text_review_similar
-- The last decisions about texts of the same sender, or that were called the same.
SELECT id, sender_id = $1::int AS same_sender, category, state, code, decided_at FROM text_review
WHERE (sender_id = $1::int OR category = $2::text) AND id <> $3::bigint AND decided_at IS NOT NULL
ORDER BY sender_id = $1::int AND category = $2::text DESC, decided_at DESC LIMIT $4::int;

-- name: text_review_signatures
-- Signatures of the texts that were decided about last, but for one.
SELECT id, signature FROM text_review
WHERE id <> $1::bigint AND decided_at IS NOT NULL AND signature IS NOT NULL
ORDER BY id DESC LIMIT $2::int;

-- name: text_review_alike
-- The decisions about some texts.
SELECT id, sender_id = $1::int AS same_sender, category, state, code, decided_at FROM text_review
WHERE id = ANY ($2::bigint[]) AND decided_at IS NOT NULL;

-- name: text_sender_record
-- What a sender did: messages sent since an id of submissions, complaints, people who refuse its
-- group, and how its texts were decided.
SELECT (SELECT coalesce(sum(allowed), 0)::bigint FROM submission
        WHERE sender_id = $1::int AND id >= $2::bigint) AS sent,
    (SELECT count(*)::int FROM complaint WHERE sender_id = $1::int) AS complaints,
    (SELECT count(*)::int FROM refusal r JOIN sender s ON s.group_id = r.group_id
        WHERE s.id = $1::int) AS refusals,
    (SELECT coalesce(jsonb_object_agg(state, n), '{}')::text FROM (SELECT state, count(*) AS n
        FROM text_review WHERE sender_id = $1::int AND id <> $3::bigint GROUP BY state) held)
        AS texts;

-- name: text_label_insert
-- Keep what a person said of a text.
INSERT INTO text_label (review_id, item_id, at, key_id, actor_id, verdict, stage, category, machine,
    screening, code)
VALUES ($1::bigint, $2::bigint, $3::timestamptz, $4::int, $5::int, $6::text, $7::text, $8::text,
    $9::smallint, $10::bytea, $11::text);

-- name: text_labels_of
-- What people said of a text, in order.
SELECT key_id, actor_id, verdict, stage, category, at, code FROM text_label
WHERE review_id = $1::bigint ORDER BY id;

-- name: text_label_mine
-- Whether somebody decided about a text: by key, or by person where that is known.
SELECT EXISTS (SELECT FROM text_label WHERE review_id = $1::bigint
    AND (key_id = $2::int AND key_id <> 0 OR actor_id = $3::int));

-- name: text_labels_export
-- Texts that people decided about in a time, with what each said, after one.
SELECT t.id, t.sender_id, t.purpose, t.digest, t.sealed, t.changed_sealed, t.kind, t.category,
    t.state, array_agg(l.verdict ORDER BY l.id) AS verdicts,
    array_agg(l.category ORDER BY l.id) AS categories, max(l.at) AS at
FROM text_label l JOIN text_review t ON t.id = l.review_id
WHERE l.at >= $1::timestamptz AND l.at < $2::timestamptz AND t.id > $3::bigint
GROUP BY t.id ORDER BY t.id LIMIT $4::int;

-- name: text_labels_between
-- What people said of texts in a time, with what came of each: complaints afterwards about the
-- sender by people who got it are not known text by text, so an appeal that was granted counts.
SELECT l.review_id, l.at, l.key_id, l.actor_id, l.verdict, l.stage, l.machine, l.screening,
    l.category, t.state AS final, t.sender_id,
    EXISTS (SELECT FROM text_appeal p WHERE p.review_id = t.id AND p.state = 'overturned'
        AND p.decided_at > l.at) AS overturned,
    (SELECT count(*)::int FROM complaint c WHERE c.sender_id = t.sender_id AND c.at > l.at
        AND c.at < l.at + interval '30 days') AS complaints
FROM text_label l JOIN text_review t ON t.id = l.review_id
WHERE l.at >= $1::timestamptz AND l.at < $2::timestamptz ORDER BY l.id LIMIT $3::int;

-- name: text_reviews_between
-- Texts that came up in a time, by week and by what they were screened with.
SELECT date_trunc('week', opened_at AT TIME ZONE 'Asia/Shanghai')::date AS week,
    encode(screening, 'hex') AS screening, count(*)::int AS stopped,
    (count(*) FILTER (WHERE verdict = 2))::int AS rejected,
    (count(*) FILTER (WHERE state IN ('refused', 'changed') AND decided_at IS NOT NULL))::int
        AS confirmed,
    (count(*) FILTER (WHERE state = 'approved'))::int AS approved,
    (count(*) FILTER (WHERE state = 'held'))::int AS waiting
FROM text_review WHERE opened_at >= $1::timestamptz AND opened_at < $2::timestamptz
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: text_orders_between
-- Orders with ids in a range, by week and by what their texts were screened with: all, and those
-- that were held or turned down.
SELECT date_trunc('week', at AT TIME ZONE 'Asia/Shanghai')::date AS week,
    screening ->> 'screening' AS screening, count(*)::int AS orders,
    (count(*) FILTER (WHERE screening ->> 'state' = 'held'))::int AS held,
    (count(*) FILTER (WHERE screening ->> 'state' = 'rejected'))::int AS rejected
FROM submission WHERE id >= $1::bigint AND id < $2::bigint AND screening IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: text_appeals_between
-- How appeals of a time ended.
SELECT against, state, count(*)::int AS n FROM text_appeal
WHERE at >= $1::timestamptz AND at < $2::timestamptz GROUP BY 1, 2 ORDER BY 1, 2;

-- name: text_appeal_insert
-- Keep an appeal; no row while another one is open.
INSERT INTO text_appeal (review_id, account_id, at, words, against, state)
VALUES ($1::bigint, $2::int, $3::timestamptz, $4::text, $5::text, 'open')
ON CONFLICT (review_id) WHERE state = 'open' DO NOTHING RETURNING id;

-- name: text_appeal_hold
-- An appeal, locked until the transaction ends.
SELECT * FROM text_appeal WHERE id = $1::bigint FOR UPDATE;

-- name: text_appeals_of
-- The appeals about a text, in order.
SELECT id, at, words, against, state, decided_at FROM text_appeal
WHERE review_id = $1::bigint ORDER BY id;

-- name: text_appeal_decided
-- An appeal ends; those about one text.
UPDATE text_appeal SET state = $2::text, decided_at = $3::timestamptz
WHERE review_id = $1::bigint AND state = 'open';

-- name: campaign_waits_for_text
-- A campaign waits for a decision about its text, where that waits still.
UPDATE campaign SET text_review_id = held.id
FROM (SELECT id FROM text_review WHERE id = $2::bigint AND state IN ('held', 'changed')
    FOR SHARE) held
WHERE campaign.id = $1::bigint AND state <> 'stopped' RETURNING campaign.id;

-- name: campaign_text_rejected
-- A campaign ends whose text was turned down.
WITH ended AS (
    UPDATE campaign SET state = 'stopped' WHERE id = $1::bigint AND state <> 'stopped' RETURNING id
)
UPDATE queue SET held = true FROM ended WHERE queue.campaign_id = ended.id;

-- name: campaigns_text_freed
-- Campaigns that waited for a text go on.
UPDATE campaign SET text_review_id = NULL WHERE text_review_id = $1::bigint RETURNING id;

-- name: campaigns_text_refused
-- Campaigns that waited for a text end; what of them is queued is cancelled as when they are
-- stopped, and its money is released.
WITH ended AS (
    UPDATE campaign SET state = 'stopped' WHERE text_review_id = $1::bigint AND state <> 'stopped'
    RETURNING id
), held AS (
    UPDATE queue SET held = true FROM ended WHERE queue.campaign_id = ended.id
)
SELECT id FROM ended;

-- name: campaigns_text_waiting
-- The campaigns of an account that wait for a text.
SELECT id, request FROM campaign
WHERE text_review_id = $1::bigint AND account_id = $2::int AND state <> 'stopped' FOR UPDATE;

-- name: campaign_text_adopted
-- A campaign takes another text and goes on.
UPDATE campaign SET request = $2::bytea, text_review_id = NULL WHERE id = $1::bigint;

-- name: sealed_texts
-- Sealed values of a column after one.
SELECT id AS key, sealed, sender_id, digest FROM text_review
WHERE id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_text
-- Put one back sealed with another key.
UPDATE text_review SET sealed = $3::bytea WHERE id = $1::bigint AND sealed = $2::bytea;

-- name: sealed_changed_texts
-- Sealed values of a column after one.
SELECT id AS key, changed_sealed AS sealed, sender_id, digest FROM text_review
WHERE changed_sealed IS NOT NULL AND id > coalesce($1::bigint, 0) ORDER BY id LIMIT $2::int;

-- name: reseal_changed_text
-- Put one back sealed with another key.
UPDATE text_review SET changed_sealed = $3::bytea
WHERE id = $1::bigint AND changed_sealed = $2::bytea;

-- name: text_appeal_get
-- An appeal.
SELECT id, review_id, account_id, at, words, against, state, decided_at FROM text_appeal
WHERE id = $1::bigint;

-- name: text_item_of
-- The last item of the desk about a text: that of an appeal, else the text's own.
SELECT id FROM review_item
WHERE (kind = 'text' AND subject = $1::bigint)
    OR (kind = 'text_appeal' AND subject IN (SELECT id FROM text_appeal WHERE review_id = $1::bigint))
ORDER BY state IN ('open', 'asked', 'second') DESC, id DESC LIMIT 1;

-- name: templates_unscreened
-- Templates in use that were not screened with this set yet, and the gravest verdict that was
-- approved (NULL: they were approved before there was screening).
SELECT t.id, t.sender_id, t.purpose, t.body, t.account_id, s.verdict
FROM template t LEFT JOIN template_screening s ON s.template_id = t.id
WHERE t.status = 'active'
    AND (s.screening IS NULL OR s.screening <> $1::bytea OR s.category IS NULL)
ORDER BY t.id LIMIT $2::int;

-- name: template_screened
-- Keep what a template was screened with last; the verdict that was approved stays, if there is one.
INSERT INTO template_screening (template_id, verdict, screening, at, category)
VALUES ($1::int, $2::smallint, $3::bytea, $4::timestamptz, $5::text)
ON CONFLICT (template_id) DO UPDATE SET screening = excluded.screening, at = excluded.at,
    category = excluded.category;

-- name: templates_categories
-- What screening says that templates are.
SELECT template_id, category FROM template_screening WHERE category <> '';

-- name: template_screening_approved
-- A person approved what newer versions found in a template.
UPDATE template_screening SET verdict = greatest(verdict, $2::smallint)
WHERE template_id = $1::int;

-- name: templates_stopped
-- Templates in use whose text was held or refused since they were approved.
SELECT r.* FROM text_review r JOIN template t ON t.id = r.template_id
WHERE r.kind = 'template' AND r.state IN ('held', 'refused') AND t.status IN ('active', 'replaced');
