"""What the settings file says of early warning."""

from __future__ import annotations

from pathlib import Path

import msgspec

from assent.watch.rules import Rules


class WarningFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Early warning. `detectors`: a file of detectors' numbers in place of the packaged one."""

    detectors: str | None = None

    def rules(self) -> Rules:
        """Return the numbers. Raises InvalidInput `detectors_file`."""
        return Rules.load(None if self.detectors is None else Path(self.detectors))
