"""Coverage-guided: any octets at all, SGIP 1.2. See docs/fuzzing.md."""

from __future__ import annotations

from tests.wire.fuzz.drive import fuzz

fuzz("sgip")
