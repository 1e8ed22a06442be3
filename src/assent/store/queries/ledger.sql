-- The tree over the ledger: tiles, checkpoints, witnesses.

-- name: seal_lock
-- Be the one who seals, until this transaction ends; false while another is.
SELECT pg_try_advisory_xact_lock(4712, 3);

-- name: checkpoint_last
-- What was signed last.
SELECT size, root, note, at FROM ledger_checkpoint ORDER BY size DESC LIMIT 1;

-- name: checkpoints_after
-- Signed sizes after one, ascending.
SELECT size, root, note, at FROM ledger_checkpoint
WHERE size > $1::bigint ORDER BY size LIMIT $2::int;

-- name: checkpoint_put
-- Keep what was signed; of those of one minute the last.
WITH gone AS (
    DELETE FROM ledger_checkpoint
    WHERE at >= date_trunc('minute', $4::timestamptz, 'UTC') AND size < $1::bigint
)
INSERT INTO ledger_checkpoint (size, root, note, at)
VALUES ($1::bigint, $2::bytea, $3::text, $4::timestamptz);

-- name: entries_unsealed
-- Entries after a size of the tree with their people's secrets (of nobody's, zeros), in order.
SELECT e.position, e.body,
    CASE e.person_id WHEN 0 THEN decode(repeat('00', 16), 'hex') ELSE p.secret END AS secret
FROM entry e LEFT JOIN person p ON p.id = e.person_id
WHERE e.position > $1::bigint ORDER BY e.position LIMIT $2::int;

-- name: tiles
-- Some tiles.
SELECT t.level, t.number, t.hashes
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, number)
JOIN ledger_tile t ON t.level = wanted.level AND t.number = wanted.number;

-- name: tiles_put
-- Keep tiles; one that was partial is replaced.
INSERT INTO ledger_tile (level, number, hashes)
SELECT l, n, h FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) AS new (l, n, h)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: tiles_page
-- Tiles of a level from a number on, in order.
SELECT number, hashes FROM ledger_tile
WHERE level = $1::smallint AND number >= $2::bigint ORDER BY number LIMIT $3::int;

-- name: witness_put
-- What a witness cosigned last.
INSERT INTO ledger_witness (name, size, note, at)
VALUES ($1::text, $2::bigint, $3::text, $4::timestamptz)
ON CONFLICT (name) DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at
WHERE ledger_witness.size <= excluded.size;

-- name: witnesses_all
-- What each witness cosigned last.
SELECT name, size, note, at FROM ledger_witness ORDER BY name;

-- name: ledger_key_keep
-- Keep the log's first key; one that is there stays.
INSERT INTO ledger_key (origin, sealed, made_at) VALUES ($1::text, $2::bytea, $3::timestamptz)
ON CONFLICT (single) DO NOTHING;

-- name: ledger_key_get
-- The log's name and key.
SELECT origin, sealed FROM ledger_key;
