-- What staff order of links, and the record of what staff did.

-- name: link_orders
-- What staff ordered of links and carriers.
SELECT target, wish FROM link_order;

-- name: link_orders_hold
-- Let nobody else order anything until the transaction ends.
LOCK TABLE link_order IN SHARE ROW EXCLUSIVE MODE;

-- name: link_order_put
-- Order something of a link or a carrier.
INSERT INTO link_order (target, wish, at) VALUES ($1::text, $2::text, $3::timestamptz)
ON CONFLICT (target) DO UPDATE SET wish = excluded.wish, at = excluded.at;

-- name: link_orders_end
-- Take orders back.
DELETE FROM link_order WHERE target = ANY($1::text[]);

-- name: staff_act_insert
-- Keep what somebody of the staff did.
INSERT INTO staff_act (at, account_id, key_id, what, subject, before, after, actor_id)
VALUES ($1::timestamptz, $2::int, $3::int, $4::text, $5::text, $6::text::jsonb, $7::text::jsonb,
    $8::int);

-- name: links_reloaded
-- Which settings were last put in force while running: the act, and the mark of their carriers.
SELECT id, after->>'settings' AS settings FROM staff_act WHERE what = 'links.reload'
ORDER BY id DESC LIMIT 1;
