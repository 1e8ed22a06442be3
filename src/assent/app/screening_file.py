"""What the settings say of screening texts."""

from __future__ import annotations

from typing import Final

import msgspec

from assent.errors import InvalidInput

MOST_DAYS: Final = 3_650


class ScreeningFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Screening of texts. `directory`: where an operator's own model (kinds-*.npz), word rules
    (words-*.json), lists of hosts (hosts-*.json) and rules (rules-*.json) lie; the packaged ones
    for what is not there. `approval_days`: how long a reviewer's approval of a held text holds."""

    directory: str | None = None
    approval_days: int = 180

    def days(self) -> int:
        """Return for how many days an approval holds. Raises InvalidInput."""
        if not 1 <= self.approval_days <= MOST_DAYS:
            raise InvalidInput(
                "bad_settings", "too many or none", field="screening.approval_days",
                mend=f"use 1 to {MOST_DAYS}",
            )  # fmt: skip
        return self.approval_days
