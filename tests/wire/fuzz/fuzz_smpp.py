"""Coverage-guided: any octets at all, SMPP 3.4. See docs/fuzzing.md."""

from __future__ import annotations

from tests.wire.fuzz.drive import fuzz

fuzz("smpp")
