"""Coverage-guided: any octets at all, CMPP 2.0 and 3.0. See docs/fuzzing.md."""

from __future__ import annotations

from tests.wire.fuzz.drive import fuzz

fuzz("cmpp")
