"""Coverage-guided: any octets at all, SMGP 1.3 and 3.0. See docs/fuzzing.md."""

from __future__ import annotations

from tests.wire.fuzz.drive import fuzz

fuzz("smgp")
