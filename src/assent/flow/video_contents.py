"""Contents of video messages as links take them: made once, kept while they are being sent."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from assent.flow.needs import Store
from assent.wire.mms import MmsFrame, pack_bundle

_KEPT: Final = 16
"""Contents in memory; each is at most as large as an upload may be."""


class Contents:
    """The last contents that were asked for. A content never changes; whether it may leave does."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    async def of(self, store: Store, video: int) -> bytes | None:
        """Return what goes out to every receiver, None for a content that is not approved now."""
        if await store.fetchval("video_state", video) != "approved":
            return None
        bundle = self._kept.get(video)
        if bundle is None:
            rows = await store.fetch("video_bundle", video)
            if not rows:
                return None
            frames = [MmsFrame(row["media_type"], bytes(row["octets"])) for row in rows]
            bundle = self._kept[video] = pack_bundle(rows[0]["subject"], frames)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(video)
        return bundle
