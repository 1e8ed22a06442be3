-- Signatures of texts, orders drawn as groups, fingerprints from other platforms.

-- name: near_templates
-- Templates handed in after one, oldest first.
SELECT t.id, t.sender_id, coalesce(t.account_id, 0) AS account_id, t.purpose, t.body AS content,
    t.created_at AS at
FROM template t WHERE t.id > $1::int AND t.account_id IS NOT NULL ORDER BY t.id LIMIT $2::int;

-- name: near_orders
-- What some orders say that were not made of a template: one row an order. The platform's own words
-- are nobody's.
SELECT DISTINCT ON (b.submission_id) b.submission_id, b.campaign_id, b.account_id, b.sender_id,
    b.purpose, b.content, b.accepted_at AS at
FROM batch b WHERE b.submission_id = ANY($1::bigint[]) AND b.template_id = 0 AND b.sender_id > 0
ORDER BY b.submission_id, b.id;

-- name: near_prints
-- Texts after one, in order.
SELECT id, signature FROM text_print WHERE id > $1::bigint ORDER BY id LIMIT $2::int;

-- name: near_print_get
-- A text.
SELECT signature FROM text_print WHERE id = $1::bigint;

-- name: entity_of_account
-- The entity that an account is of.
SELECT entity_id FROM account WHERE id = $1::int;

-- name: near_families
-- Of which family some texts are.
SELECT id, family FROM text_print WHERE id = ANY($1::bigint[]);

-- name: near_print_put
-- Keep a text, or find it; it begins a family of its own if none is named.
INSERT INTO text_print (signature, letters, family, category, first_at, last_at)
VALUES ($1::bytea, $2::int, $3::bigint, $4::text, $5::timestamptz, $5::timestamptz)
ON CONFLICT (signature) DO UPDATE SET last_at = greatest(text_print.last_at, excluded.last_at)
RETURNING id, family;

-- name: near_print_founds
-- A text is the first of its family.
UPDATE text_print SET family = id WHERE id = $1::bigint;

-- name: near_family_join
-- Some families are one.
UPDATE text_print SET family = $1::bigint WHERE family = ANY($2::bigint[]);

-- name: near_print_seen
-- A text was seen again.
UPDATE text_print SET last_at = greatest(last_at, $2::timestamptz) WHERE id = $1::bigint;

-- name: near_use_put
-- Somebody uses a text; the same subject again is told once.
INSERT INTO text_use (print_id, account_id, sender_id, what, purpose, first_subject, last_subject,
    uses, marks, first_at, last_at)
VALUES ($1::bigint, $2::int, $3::int, $4::text, $5::smallint, $6::bigint, $6::bigint, 1,
    $7::text[], $8::timestamptz, $8::timestamptz)
ON CONFLICT (print_id, account_id, sender_id, what) DO UPDATE SET
    uses = text_use.uses + (excluded.last_subject > text_use.last_subject)::int,
    last_subject = greatest(text_use.last_subject, excluded.last_subject),
    last_at = greatest(text_use.last_at, excluded.last_at),
    marks = ARRAY(SELECT DISTINCT m FROM unnest(text_use.marks || excluded.marks) AS m
        ORDER BY m LIMIT 64);

-- name: near_forget
-- Uses of texts that are over; texts that nobody uses any more go with the next.
DELETE FROM text_use WHERE last_at < $1::timestamptz;

-- name: near_forget_prints
-- Texts that nobody uses any more.
DELETE FROM text_print p WHERE p.last_at < $1::timestamptz
    AND NOT EXISTS (SELECT FROM text_use u WHERE u.print_id = p.id) RETURNING id;

-- name: near_uses
-- Who used which text since a time, the latest first, at most so many.
SELECT u.print_id, u.account_id, u.sender_id, s.group_id, s.entity_id, a.entity_id AS own_entity,
    u.what, u.purpose, u.marks, u.first_at, u.last_at, p.family, p.letters
FROM text_use u JOIN text_print p ON p.id = u.print_id JOIN sender s ON s.id = u.sender_id
    JOIN account a ON a.id = u.account_id
WHERE u.last_at >= $1::timestamptz AND a.kind <> 'operator'
ORDER BY u.last_at DESC, u.print_id LIMIT $2::int;

-- name: near_entity_marks
-- What some entities have that others may have, too; no forms, no names.
SELECT e.entity_id, n.kind, n.mark FROM graph_edge e JOIN graph_node n ON n.id = e.node_id
WHERE e.entity_id = ANY($1::int[])
    AND n.kind IN ('person', 'phone', 'file', 'sketch', 'domain', 'address', 'payer')
GROUP BY e.entity_id, n.kind, n.mark;

-- name: near_networks
-- From where people of some accounts came since a time.
SELECT DISTINCT account_id, network FROM actor_session
WHERE account_id = ANY($1::int[]) AND seen_at >= $2::timestamptz AND network <> '';

-- name: near_copies
-- Which of some entities showed electronic copies only.
SELECT entity_id FROM document WHERE entity_id = ANY($1::int[]) AND state IN ('submitted', 'accepted')
GROUP BY entity_id HAVING bool_and(seen IN ('scan', 'none'));

-- name: near_groups
-- Groups with their members.
SELECT g.id, g.state, g.parties, g.decided_parties, m.account_id, m.sender_id
FROM order_group g JOIN order_group_member m ON m.group_id = g.id ORDER BY g.id;

-- name: near_group_put
-- A new group.
INSERT INTO order_group (state, parties, accounts, copies, reasons, first_at, last_at, found_at)
VALUES ('open', $1::int, $2::int, $3::int, $4::text::jsonb, $5::timestamptz, $6::timestamptz,
    $7::timestamptz) RETURNING id;

-- name: near_group_grown
-- A group as it is now.
UPDATE order_group SET state = $2::text, parties = $3::int, accounts = $4::int, copies = $5::int,
    reasons = $6::text::jsonb, first_at = least(first_at, $7::timestamptz),
    last_at = greatest(last_at, $8::timestamptz)
WHERE id = $1::int;

-- name: near_member_put
-- A member of a group.
INSERT INTO order_group_member (group_id, account_id, sender_id, since)
VALUES ($1::int, $2::int, $3::int, $4::timestamptz) ON CONFLICT DO NOTHING;

-- name: near_group_decided
-- What a reviewer says of a group; no row where it does not wait.
UPDATE order_group SET state = $2::text, decided_at = $3::timestamptz, decided_parties = parties
WHERE id = $1::int AND state = 'open' RETURNING parties;

-- name: near_groups_shown
-- Groups before one, newest first. $1 state or NULL.
SELECT * FROM order_group WHERE ($1::text IS NULL OR state = $1::text) AND id < $2::int
ORDER BY id DESC LIMIT $3::int;

-- name: near_group_get
-- A group.
SELECT * FROM order_group WHERE id = $1::int;

-- name: near_members
-- The members of a group.
SELECT m.account_id, a.name AS account, a.status, s.credit_code, s.legal_name, s.group_id,
    m.since
FROM order_group_member m JOIN account a ON a.id = m.account_id JOIN sender s ON s.id = m.sender_id
WHERE m.group_id = $1::int ORDER BY m.since, a.name, s.credit_code;

-- name: near_group_texts
-- What the members of a group handed in or ordered: the texts that most of them share first.
SELECT p.family, u.what, u.first_subject, u.last_subject, u.uses, a.name AS account, s.credit_code,
    u.first_at, u.last_at
FROM order_group_member m
    JOIN text_use u ON u.account_id = m.account_id AND u.sender_id = m.sender_id
    JOIN text_print p ON p.id = u.print_id JOIN account a ON a.id = u.account_id
    JOIN sender s ON s.id = u.sender_id
WHERE m.group_id = $1::int AND p.family = ANY($2::bigint[])
ORDER BY p.family, u.first_at, u.first_subject LIMIT 500;

-- name: near_group_known
-- What other platforms say of the texts that a group shares.
SELECT p.family, peer.name AS platform, f.category, f.refused, f.uses, f.first_on, f.last_on,
    max(k.similarity) AS similarity
FROM text_print p JOIN text_known k ON k.print_id = p.id
    JOIN fingerprint f ON f.id = k.fingerprint_id
    JOIN fingerprint_source o ON o.id = f.source_id AND o.withdrawn_at IS NULL
    JOIN fingerprint_peer peer ON peer.id = o.peer_id
WHERE p.family = ANY($1::bigint[])
GROUP BY p.family, peer.name, f.category, f.refused, f.uses, f.first_on, f.last_on
ORDER BY p.family, similarity DESC LIMIT 50;

-- name: text_known_put
-- One of our texts is near one that another platform told of.
INSERT INTO text_known (print_id, fingerprint_id, similarity, at)
VALUES ($1::bigint, $2::bigint, $3::real, $4::timestamptz) ON CONFLICT DO NOTHING;

-- name: fingerprints_after
-- What other platforms told after one, as far as it stands.
SELECT f.id, f.signature FROM fingerprint f JOIN fingerprint_source o ON o.id = f.source_id
WHERE f.id > $1::bigint AND o.withdrawn_at IS NULL ORDER BY f.id LIMIT $2::int;

-- name: fingerprints_gone
-- What was taken back, up to one.
SELECT f.id FROM fingerprint f JOIN fingerprint_source o ON o.id = f.source_id
WHERE f.id <= $1::bigint AND o.withdrawn_at IS NOT NULL;

-- name: fingerprint_peer_put
-- A platform whose files are taken; no row where one of the name stands already.
INSERT INTO fingerprint_peer (name, key, added_at) VALUES ($1::text, $2::text, $3::timestamptz)
ON CONFLICT (name) WHERE removed_at IS NULL DO NOTHING RETURNING id;

-- name: fingerprint_peer_remove
-- A platform whose files are taken no more; no row where there is none.
UPDATE fingerprint_peer SET removed_at = $2::timestamptz
WHERE name = $1::text AND removed_at IS NULL RETURNING id, key;

-- name: fingerprint_peers
-- The platforms whose files are taken.
SELECT id, name, key, added_at FROM fingerprint_peer WHERE removed_at IS NULL ORDER BY name;

-- name: fingerprint_sources
-- Files that were taken, newest first.
SELECT o.id, p.name AS platform, o.sha256, o.made_on, o.rows, o.imported_at, o.withdrawn_at, o.why,
    (SELECT count(DISTINCT k.print_id) FROM text_known k JOIN fingerprint f
        ON f.id = k.fingerprint_id WHERE f.source_id = o.id) AS known
FROM fingerprint_source o JOIN fingerprint_peer p ON p.id = o.peer_id
WHERE o.id < $1::int ORDER BY o.id DESC LIMIT $2::int;

-- name: fingerprint_source_put
-- A file; no row where it was taken before.
INSERT INTO fingerprint_source (peer_id, sha256, made_on, rows, imported_at)
VALUES ($1::int, $2::bytea, $3::date, $4::int, $5::timestamptz)
ON CONFLICT (sha256) DO NOTHING RETURNING id;

-- name: fingerprint_source_of
-- A file by its digest.
SELECT id, rows, imported_at, withdrawn_at FROM fingerprint_source WHERE sha256 = $1::bytea;

-- name: fingerprint_source_withdraw
-- A file says nothing any more; no row where it said nothing already.
UPDATE fingerprint_source SET withdrawn_at = $2::timestamptz, why = $3::text
WHERE id = $1::int AND withdrawn_at IS NULL RETURNING id, rows;

-- name: text_known_drop
-- What a file said of our texts.
DELETE FROM text_known k USING fingerprint f
WHERE f.id = k.fingerprint_id AND f.source_id = $1::int;

-- name: fingerprints_ours
-- Texts that may be told to other platforms: seen from enough accounts of different parties, or
-- rejected here. By signature.
WITH seen AS (
    SELECT p.id, p.signature, p.category, p.refused_at, min(u.first_at) AS first_at,
        max(u.last_at) AS last_at, sum(u.uses)::bigint AS uses,
        count(DISTINCT u.account_id) AS accounts, count(DISTINCT s.group_id) AS parties,
        bool_or(EXISTS (SELECT FROM template t WHERE u.what = 'template'
            AND t.id IN (u.first_subject, u.last_subject) AND t.status = 'refused')) AS turned_down
    FROM text_print p JOIN text_use u ON u.print_id = p.id JOIN sender s ON s.id = u.sender_id
    WHERE u.last_at >= $1::timestamptz AND p.letters >= $3::int
    GROUP BY p.id
), judged AS (
    SELECT seen.*, turned_down OR refused_at IS NOT NULL AS refused
    FROM seen
)
SELECT signature, category, first_at, last_at, uses, refused FROM judged
WHERE refused OR (accounts >= $2::int AND parties >= $2::int) ORDER BY signature;

-- name: fingerprint_key_get
-- The key that signs our files.
SELECT name, sealed FROM fingerprint_key ORDER BY made_at LIMIT 1;

-- name: fingerprint_key_keep
-- Keep the key, unless there is one.
INSERT INTO fingerprint_key (name, sealed, made_at)
SELECT $1::text, $2::bytea, $3::timestamptz WHERE NOT EXISTS (SELECT FROM fingerprint_key)
ON CONFLICT (name) DO NOTHING;

-- name: sealed_fingerprint_keys
-- Sealed values of a column after one.
SELECT name AS key, sealed FROM fingerprint_key WHERE name > coalesce($1::text, '')
ORDER BY name LIMIT $2::int;

-- name: reseal_fingerprint_key
-- Put one back sealed with another key.
UPDATE fingerprint_key SET sealed = $3::bytea WHERE name = $1::text AND sealed = $2::bytea;

-- name: near_family_refused
-- The texts of some families count as rejected.
UPDATE text_print SET refused_at = $2::timestamptz
WHERE family = ANY($1::bigint[]) AND refused_at IS NULL;

-- name: near_returned
-- Uses that no reviewer was told of, of texts such as were turned down for somebody else, here or on
-- another platform.
SELECT u.print_id, p.family, u.account_id, u.sender_id, s.entity_id
FROM text_use u JOIN text_print p ON p.id = u.print_id JOIN sender s ON s.id = u.sender_id
WHERE u.told_at IS NULL AND u.last_at >= $1::timestamptz AND p.letters >= $2::int AND (
    EXISTS (SELECT FROM text_print o WHERE o.family = p.family AND o.refused_at IS NOT NULL)
    OR EXISTS (SELECT FROM text_print o JOIN text_use v ON v.print_id = o.id
            AND v.what = 'template' AND v.sender_id <> u.sender_id
        JOIN template t ON t.id IN (v.first_subject, v.last_subject) AND t.status = 'refused'
        WHERE o.family = p.family)
    OR EXISTS (SELECT FROM text_known k JOIN fingerprint f ON f.id = k.fingerprint_id AND f.refused
        JOIN fingerprint_source o ON o.id = f.source_id AND o.withdrawn_at IS NULL
        WHERE k.print_id = p.id))
ORDER BY u.print_id, u.first_at LIMIT 500;

-- name: near_use_told
-- A reviewer was told of a use.
UPDATE text_use SET told_at = $4::timestamptz
WHERE print_id = $1::bigint AND account_id = $2::int AND sender_id = $3::int AND told_at IS NULL;

-- name: near_family_told
-- A reviewer knows of all uses of some families.
UPDATE text_use u SET told_at = $2::timestamptz FROM text_print p
WHERE p.id = u.print_id AND p.family = ANY($1::bigint[]) AND u.told_at IS NULL;

-- name: near_print_refused
-- A text counts as rejected.
UPDATE text_print SET refused_at = $2::timestamptz WHERE id = $1::bigint AND refused_at IS NULL;

-- name: near_print_uses
-- Who used a text and those near it, the first first.
SELECT p.family, u.what, u.first_subject, u.last_subject, u.uses, a.name AS account,
    s.credit_code, u.first_at, u.last_at
FROM text_print o JOIN text_print p ON p.family = o.family JOIN text_use u ON u.print_id = p.id
    JOIN account a ON a.id = u.account_id JOIN sender s ON s.id = u.sender_id
WHERE o.id = $1::bigint ORDER BY u.first_at, u.first_subject LIMIT 200;
