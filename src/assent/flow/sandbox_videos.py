"""The sandbox's room for videos: it says that there are none."""

from __future__ import annotations

from typing import Any, NoReturn

from assent.errors import InvalidInput
from assent.flow.videos import VideoLimits


class NoVideos:
    """Refuses whatever is asked: nobody reviews what nobody gets."""

    limits = VideoLimits()

    async def _refuse(self, *_: Any) -> NoReturn:
        raise InvalidInput(
            "sandbox_video",
            "the sandbox acts out no videos",
            field="Authorization",
            rule="http-api: sandbox",
            mend="use a real key; a content that nobody approves leaves nowhere",
        )

    add = get = frame = waiting = review = _refuse
