"""What a schema consists of, read from PostgreSQL's catalogs as plain lines.

Two databases with equal lines behave the same. A test holds the migrations against schema.sql
with it; an operator finds by it what somebody changed by hand.
"""

from __future__ import annotations

import asyncpg

from assent.store.failures import translated

# Each query returns (object, definition). Objects of extensions are left out.
_PARTS: dict[str, str] = {
    "tables": """
        SELECT c.relname::text,
               concat_ws(' ', c.relkind, c.relpersistence, pg_get_partkeydef(c.oid),
                         pg_get_expr(c.relpartbound, c.oid), array_to_string(c.reloptions, ','),
                         (SELECT string_agg(i.inhparent::regclass::text, ',')
                            FROM pg_inherits i WHERE i.inhrelid = c.oid))
          FROM pg_class c
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    """,
    "columns": """
        SELECT format('%s.%s', c.relname, a.attname),
               concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                         CASE WHEN a.attnotnull THEN 'not null' END, a.attidentity, a.attgenerated,
                         a.attstorage, a.attcompression, pg_get_expr(d.adbin, d.adrelid))
          FROM pg_attribute a
          JOIN pg_class c ON c.oid = a.attrelid
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "indexes": """
        SELECT c.relname::text, pg_get_indexdef(c.oid)
          FROM pg_class c
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('i', 'I')
    """,
    "constraints": """
        SELECT format('%s.%s', coalesce(r.relname, t.typname), k.conname),
               pg_get_constraintdef(k.oid)
          FROM pg_constraint k
          LEFT JOIN pg_class r ON r.oid = k.conrelid
          LEFT JOIN pg_type t ON t.oid = k.contypid
         WHERE k.connamespace = $1::regnamespace
    """,
    "functions": """
        SELECT p.oid::regprocedure::text,
               CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
          FROM pg_proc p
         WHERE p.pronamespace = $1::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend e
                            WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid
                              AND e.deptype = 'e')
    """,
    "views": """
        SELECT c.relname::text, pg_get_viewdef(c.oid)
          FROM pg_class c
         WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('v', 'm')
    """,
    "triggers": """
        SELECT format('%s.%s', c.relname, g.tgname), pg_get_triggerdef(g.oid)
          FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
         WHERE c.relnamespace = $1::regnamespace AND NOT g.tgisinternal
    """,
    "types": """
        SELECT t.typname::text,
               concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod),
                         (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
                            FROM pg_enum e WHERE e.enumtypid = t.oid))
          FROM pg_type t
         WHERE t.typnamespace = $1::regnamespace AND t.typtype IN ('d', 'e', 'r')
    """,
    "sequences": """
        SELECT sequencename::text,
               concat_ws(' ', data_type, start_value, min_value, max_value, increment_by, cycle)
          FROM pg_sequences WHERE schemaname::regnamespace = $1::regnamespace
    """,
    "comments": """
        SELECT format('%s#%s', d.objoid::regclass, d.objsubid), d.description
          FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
         WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace = $1::regnamespace
    """,
}


async def describe(url: str, *, schema: str = "public") -> list[str]:
    """Return one line for each object of `schema`: `kind name: definition`, sorted.

    The migrator's own table is left out. Column order does not count: an added column comes last
    in a migrated table and where it belongs in schema.sql. Raises Unavailable.
    """
    with translated("describe"):
        connection = await asyncpg.connect(url)
        try:
            lines = [
                f"{kind} {name}: {definition}"
                for kind, query in _PARTS.items()
                for name, definition in await connection.fetch(query, schema)
                if name.partition(".")[0] not in {"migration", "migration_pkey"}
            ]
        finally:
            await connection.close()
    return sorted(lines)
