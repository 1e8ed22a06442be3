-- What entities have in common.

-- name: graph_node_put
-- Make a node, or find it.
INSERT INTO graph_node (kind, mark, label) VALUES ($1::text, $2::bytea, $3::text)
ON CONFLICT (kind, mark) DO UPDATE SET kind = excluded.kind RETURNING id;

-- name: graph_edge_put
-- Note that an entity has something, once a source.
INSERT INTO graph_edge (entity_id, node_id, relation, source, since)
VALUES ($1::int, $2::bigint, $3::text, $4::text, $5::timestamptz)
ON CONFLICT (entity_id, node_id, relation, source) DO NOTHING;

-- name: graph_ties
-- What an entity has, and how many entities have the same.
SELECT n.kind, n.mark, n.label, e.relation, e.source, e.since,
    (SELECT count(DISTINCT o.entity_id) FROM graph_edge o WHERE o.node_id = n.id) AS entities
FROM graph_edge e JOIN graph_node n ON n.id = e.node_id
WHERE e.entity_id = $1::int ORDER BY n.kind, e.id LIMIT 1000;

-- name: graph_paths
-- Entities that are near one, over shared nodes, each with its shortest paths. $2 steps at most,
-- $3 entities that a node may have to count, $4 paths at most.
WITH RECURSIVE usable AS MATERIALIZED (
    SELECT node_id FROM graph_edge GROUP BY node_id
    HAVING count(DISTINCT entity_id) BETWEEN 2 AND $3::int
), reach (entity_id, entities, nodes) AS (
    SELECT $1::int, ARRAY[$1::int], '{}'::bigint[]
    UNION
    SELECT o.entity_id, r.entities || o.entity_id, r.nodes || e.node_id
    FROM reach r
        JOIN graph_edge e ON e.entity_id = r.entity_id
        JOIN usable u ON u.node_id = e.node_id
        JOIN graph_edge o ON o.node_id = e.node_id
    WHERE cardinality(r.nodes) < $2::int AND o.entity_id <> ALL (r.entities)
        AND e.node_id <> ALL (r.nodes)
), cut AS (
    SELECT entity_id, entities, nodes FROM reach WHERE cardinality(nodes) > 0 LIMIT $4::int
)
SELECT t.credit_code, t.legal_name, t.status,
    (SELECT array_agg(x.credit_code ORDER BY place)
        FROM unnest(c.entities) WITH ORDINALITY AS p (id, place) JOIN entity x ON x.id = p.id)
        AS codes,
    (SELECT array_agg(n.kind ORDER BY place)
        FROM unnest(c.nodes) WITH ORDINALITY AS p (id, place) JOIN graph_node n ON n.id = p.id)
        AS kinds,
    (SELECT array_agg(n.mark ORDER BY place)
        FROM unnest(c.nodes) WITH ORDINALITY AS p (id, place) JOIN graph_node n ON n.id = p.id)
        AS marks
FROM cut c JOIN entity t ON t.id = c.entity_id
ORDER BY cardinality(c.nodes), t.id, c.nodes;

-- name: graph_busy
-- Persons of an entity who stand behind more entities than $2.
SELECT n.id, n.kind, count(DISTINCT o.entity_id) AS entities
FROM graph_node n JOIN graph_edge o ON o.node_id = n.id
WHERE n.kind IN ('person', 'phone')
    AND n.id IN (SELECT node_id FROM graph_edge WHERE entity_id = $1::int)
GROUP BY n.id, n.kind HAVING count(DISTINCT o.entity_id) > $2::int
ORDER BY n.id;
