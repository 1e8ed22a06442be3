-- Code numbers, ports and signatures: what is applied for, filed, used and given back.

-- name: code_number_put
-- Enter a code number, or change what may be given out of it.
INSERT INTO code_number (number, carriers, scope, ranges, purposes, free_to_reply, document_id,
    created_at)
VALUES ($1::text, $2::text[], $3::text, $4::text[], $5::smallint, $6::boolean, $7::bigint,
    $8::timestamptz)
ON CONFLICT (number) DO UPDATE SET carriers = excluded.carriers, scope = excluded.scope,
    ranges = excluded.ranges, purposes = excluded.purposes,
    free_to_reply = excluded.free_to_reply, document_id = excluded.document_id, status = 'active'
RETURNING id;

-- name: code_number_close
-- Give nothing more out of a code number.
UPDATE code_number SET status = 'closed' WHERE number = $1::text RETURNING id;

-- name: code_numbers
-- Code numbers, or the one with a number, with how many ports of theirs are not recycled.
SELECT c.*, d.valid_to, d.state AS document_state, d.number AS document_number,
    (SELECT count(DISTINCT p.number) FROM port p
     WHERE p.code_number_id = c.id AND p.status <> 'recycled') AS given
FROM code_number c LEFT JOIN document d ON d.id = c.document_id
WHERE $1::text IS NULL OR c.number = $1::text ORDER BY c.number;

-- name: document_of_operator
-- A paper of the operator's, by its id.
SELECT d.id FROM document d JOIN account a ON a.entity_id = d.entity_id
WHERE d.id = $1::bigint AND a.kind = 'operator';

-- name: numbers_lock
-- One at a time looks which numbers are held and takes another.
LOCK TABLE port_application IN SHARE ROW EXCLUSIVE MODE;

-- name: numbers_held
-- Numbers that senders have or have applied for and that begin like one, or that it begins with.
SELECT number, sender_id, purpose FROM port WHERE status <> 'recycled'
    AND (starts_with(number, $1::text) OR starts_with($1::text, number))
UNION
SELECT number, sender_id, purpose FROM port_application WHERE state = 'submitted'
    AND (starts_with(number, $1::text) OR starts_with($1::text, number));

-- name: port_application_same
-- An application under review that asks for the same; for the same number, if one is named.
SELECT id FROM port_application WHERE account_id = $1::int AND sender_id = $2::int
    AND code_number_id = $3::int AND carriers = $4::text[] AND purpose = $5::smallint
    AND signature = $6::text AND state = 'submitted' AND ($7::text IS NULL OR number = $7::text)
ORDER BY id LIMIT 1;

-- name: port_application_insert
-- A customer applies for a port.
INSERT INTO port_application (account_id, sender_id, code_number_id, number, carriers, purpose,
    signature, programme_id, state, created_at)
VALUES ($1::int, $2::int, $3::int, $4::text, $5::text[], $6::smallint, $7::text, $8::int,
    'submitted', $9::timestamptz)
RETURNING id;

-- name: entity_of_sender
-- The entity that a sender is.
SELECT entity_id FROM sender WHERE id = $1::int;

-- name: account_is_sender
-- Whether an account belongs to the entity that a sender is.
SELECT EXISTS (SELECT FROM account a JOIN sender s ON s.entity_id = a.entity_id
    WHERE a.id = $1::int AND s.id = $2::int AND a.status <> 'applied');

-- name: port_application_hold
-- An application with what it is about, held until the transaction ends.
SELECT a.*, c.number AS code_number, c.free_to_reply, c.status AS number_status, c.scope,
    s.credit_code, s.legal_name
FROM port_application a JOIN code_number c ON c.id = a.code_number_id
JOIN sender s ON s.id = a.sender_id
WHERE a.id = $1::int FOR UPDATE OF a;

-- name: port_application_decided
-- An application ends.
UPDATE port_application SET state = $2::text, reason = $3::text, decided_at = $4::timestamptz
WHERE id = $1::int;

-- name: port_applications
-- Applications for ports of one account or (NULL) of all, newest first; one if it is named.
SELECT a.*, s.credit_code, s.legal_name FROM port_application a JOIN sender s ON s.id = a.sender_id
WHERE ($1::int IS NULL OR a.account_id = $1::int) AND ($2::int IS NULL OR a.id = $2::int)
ORDER BY a.id DESC LIMIT 1000;

-- name: port_insert
-- An approved application becomes a port of one carrier, which has not filed it yet.
INSERT INTO port (number, carrier, sender_id, purpose, signature, programme_id, free_to_reply,
    status, created_at, code_number_id, application_id, filing)
VALUES ($1::text, $2::text, $3::int, $4::smallint, $5::text, $6::int, $7::boolean, 'applied',
    $8::timestamptz, $9::int, $10::int, 'none')
RETURNING id;

-- name: ports_hold
-- The ports with a number that are not recycled, held until the transaction ends; of the senders of
-- one account or (NULL) of any.
SELECT p.*, (SELECT a.account_id FROM port_application a WHERE a.id = p.application_id) AS made_by,
    (SELECT s.entity_id FROM sender s WHERE s.id = p.sender_id) AS entity_id
FROM port p WHERE p.number = $1::text AND p.status <> 'recycled'
    AND ($2::int IS NULL OR EXISTS (SELECT FROM account_sender m
        WHERE m.account_id = $2::int AND m.sender_id = p.sender_id))
ORDER BY p.id FOR UPDATE;

-- name: ports_of
-- Ports of the senders of one account or (NULL) of all; those with a number, if one is named.
SELECT p.*, s.credit_code, s.legal_name, g.name AS programme FROM port p
LEFT JOIN sender s ON s.id = p.sender_id LEFT JOIN programme g ON g.id = p.programme_id
WHERE ($1::int IS NULL OR EXISTS (SELECT FROM account_sender m
        WHERE m.account_id = $1::int AND m.sender_id = p.sender_id))
    AND ($2::text IS NULL OR p.number = $2::text)
ORDER BY p.number, p.carrier, p.id LIMIT 5000;

-- name: port_moved
-- A step in a port's life.
UPDATE port SET status = $2::text, filing = $3::text, filing_reference = $4::text,
    filing_submitted_on = $5::date, filing_answered_on = $6::date, revoked_on = $7::date,
    cooling_until = $8::date, service_code = $9::text
WHERE id = $1::int;

-- name: port_step_insert
-- What happened to a port.
INSERT INTO port_step (port_id, at, step, status, filing, reason, account_id, key_id, actor_id)
VALUES ($1::int, $2::timestamptz, $3::text, $4::text, $5::text, $6::text, $7::int, $8::int,
    $9::int);

-- name: port_steps
-- What happened to some ports, in order.
SELECT port_id, at, step, status, filing, reason, account_id FROM port_step
WHERE port_id = ANY($1::int[]) ORDER BY id;

-- name: ports_due
-- Ports whose revocation is a day old and that cool from then on, and those that have cooled.
SELECT * FROM port WHERE (status = 'revoked' AND revoked_on < $1::date)
    OR (status = 'cooling' AND cooling_until <= $1::date)
ORDER BY id FOR UPDATE;

-- name: ports_forget
-- Recycled ports to which replies come no more: their rows stay as history.
UPDATE port SET answers = false
WHERE answers AND status = 'recycled' AND revoked_on < $1::date RETURNING id;

-- Signatures ------------------------------------------------------------------------------

-- name: signature_put
-- A signature is handed in, for the first time or once more; no row while one is under review or
-- in force.
INSERT INTO signature (sender_id, words, source, document_id, account_id, state, flags, created_at)
VALUES ($1::int, $2::text, $3::text, $4::bigint, $5::int, 'submitted', $6::text::jsonb,
    $7::timestamptz)
ON CONFLICT (sender_id, words) DO UPDATE SET source = excluded.source,
    document_id = excluded.document_id, account_id = excluded.account_id, state = 'submitted',
    flags = excluded.flags, reason = '', created_at = excluded.created_at, decided_at = NULL
WHERE signature.state IN ('refused', 'lapsed', 'withdrawn')
RETURNING id;

-- name: document_of_sender
-- A paper of a sender's, by its id.
SELECT d.id FROM document d JOIN sender s ON s.entity_id = d.entity_id
WHERE d.id = $1::bigint AND s.id = $2::int AND d.state NOT IN ('refused', 'withdrawn');

-- name: names_of_others
-- Names of other senders: their legal names, and signatures in force or under review.
SELECT s.credit_code, s.legal_name AS name FROM sender s WHERE s.id <> $1::int
UNION SELECT s.credit_code, g.words FROM signature g JOIN sender s ON s.id = g.sender_id
WHERE g.sender_id <> $1::int AND g.state IN ('submitted', 'active');

-- name: signature_hold
-- A signature, held until the transaction ends.
SELECT g.*, s.credit_code, s.legal_name, s.entity_id FROM signature g
JOIN sender s ON s.id = g.sender_id WHERE g.id = $1::int FOR UPDATE OF g;

-- name: signature_state
-- Whether a sender has a signature in force or under review.
SELECT state FROM signature WHERE sender_id = $1::int AND words = $2::text;

-- name: signature_decided
-- A signature is approved, refused or taken back. Filing counts as use.
UPDATE signature SET state = $2::text, reason = $3::text, decided_at = $4::timestamptz,
    last_used_on = coalesce($5::date, last_used_on)
WHERE id = $1::int;

-- name: signatures_of
-- Signatures of the senders of one account or (NULL) of all.
SELECT g.*, s.credit_code, s.legal_name FROM signature g JOIN sender s ON s.id = g.sender_id
WHERE ($1::int IS NULL OR EXISTS (SELECT FROM account_sender m
        WHERE m.account_id = $1::int AND m.sender_id = g.sender_id))
ORDER BY g.id LIMIT 5000;

-- name: signatures_used
-- The last batch from each port of each signature in force since a time; counted once a day.
SELECT g.id, g.last_used_on, max(b.id) AS batch FROM signature g
LEFT JOIN port p ON p.sender_id = g.sender_id AND p.signature = g.words
LEFT JOIN LATERAL (SELECT id FROM batch
    WHERE port_id = p.id AND id >= $1::bigint ORDER BY id DESC LIMIT 1) b ON true
WHERE g.state = 'active' GROUP BY g.id ORDER BY g.id;

-- name: signature_used
-- The day on which a signature was last used; it only moves on.
UPDATE signature SET last_used_on = $2::date
WHERE id = $1::int AND (last_used_on IS NULL OR last_used_on < $2::date);

-- name: signatures_in_force
-- Signatures in force, and when each was last used.
SELECT id, sender_id, words, last_used_on FROM signature
WHERE state = 'active' AND last_used_on IS NOT NULL ORDER BY id FOR UPDATE;

-- name: port_signature_lapsed
-- Ports with a signature carry from when it is in force no more (NULL: it is in force again).
UPDATE port SET signature_lapsed_at = $3::timestamptz
WHERE sender_id = $1::int AND signature = $2::text AND status <> 'recycled';

-- Classes of traffic ----------------------------------------------------------------------

-- name: class_stop_insert
-- Switch a class of traffic off.
INSERT INTO class_stop (industries, purposes, except_licensed, reason, since, until)
VALUES ($1::text[], $2::smallint, $3::boolean, $4::text, $5::timestamptz, $6::timestamptz)
RETURNING *;

-- name: class_stop_lift
-- Switch it on again; no row when it is.
UPDATE class_stop SET lifted_at = $2::timestamptz WHERE id = $1::int AND lifted_at IS NULL
RETURNING *;

-- name: class_stops_all
-- What is and was switched off, newest first.
SELECT * FROM class_stop ORDER BY id DESC LIMIT 1000;
