"""Pure policy: (people, content, facts, rulebook) → decisions. No clock, no store, no socket."""
