-- Registers that were imported.

-- name: register_file_put
-- Keep that a file was imported; no row when the same file is there already.
INSERT INTO register_file (kind, source, dated, sha256, rows, imported_at, key_id, actor_id)
VALUES ($1::text, $2::text, $3::date, $4::bytea, $5::int, $6::timestamptz, $7::int, $8::int)
ON CONFLICT (kind, sha256) DO NOTHING RETURNING id;

-- name: register_file_same
-- A file that was imported before.
SELECT * FROM register_file WHERE kind = $1::text AND sha256 = $2::bytea;

-- name: register_files
-- Every file, the newest first.
SELECT * FROM register_file ORDER BY dated DESC, id DESC LIMIT 1000;

-- name: register_rows_of
-- What the newest files of each kind and source say of a credit code or a number.
SELECT f.kind, f.source, f.dated, f.sha256, r.* FROM register_row r
    JOIN register_file f ON f.id = r.file_id
WHERE (($1::text <> '' AND r.credit_code = $1::text) OR ($2::text <> '' AND r.number = $2::text))
    AND NOT EXISTS (SELECT FROM register_file n WHERE n.kind = f.kind AND n.source = f.source
        AND (n.dated, n.id) > (f.dated, f.id))
ORDER BY f.kind, f.dated DESC, r.file_id, r.place LIMIT 1000;

-- name: register_kinds
-- The newest file of each kind and source.
SELECT DISTINCT ON (kind, source) * FROM register_file ORDER BY kind, source, dated DESC, id DESC;

-- name: register_entities
-- Entities that a file says something of, with what it says.
SELECT e.id AS entity_id, r.facts, r.file_id FROM register_row r
    JOIN entity e ON e.credit_code = r.credit_code
WHERE r.file_id = $1::int ORDER BY r.place;

-- name: register_phone
-- A row in which a register lists a telephone for a credit code; of the newest files only.
SELECT f.id, f.kind, f.source, f.dated, r.place FROM register_row r
    JOIN register_file f ON f.id = r.file_id
WHERE r.credit_code = $1::text AND r.phone = $2::text AND $2::text <> ''
    AND NOT EXISTS (SELECT FROM register_file n WHERE n.kind = f.kind AND n.source = f.source
        AND (n.dated, n.id) > (f.dated, f.id))
ORDER BY f.dated DESC, f.id LIMIT 1;

-- name: document_number_elsewhere
-- Whether another entity handed in a paper of a kind with the same number.
SELECT EXISTS (SELECT FROM document WHERE kind = $1::text AND number = $2::text
    AND entity_id <> $3::int AND state <> 'withdrawn');
