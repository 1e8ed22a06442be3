"""What the settings file says of same texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from assent.flow.groups import LEAST
from assent.flow.near_files import NearFiles


class NearFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Same texts. `directory`: where the index of signatures is kept between starts; none: it is
    built from the database at each. `parties`: from how many on a group that acts together comes
    before a reviewer."""

    directory: str | None = None
    parties: Annotated[int, msgspec.Meta(ge=2, le=1_000)] = LEAST

    def files(self) -> NearFiles | None:
        """Return where the index is kept."""
        return None if self.directory is None else NearFiles(Path(self.directory))
