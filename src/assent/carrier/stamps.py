"""Times as reports write them, made once a minute."""

from __future__ import annotations

import time

_KEPT = 1024


class Stamps:
    """Minutes in one zone."""

    def __init__(self, zone_minutes: int) -> None:
        self._east_s = zone_minutes * 60
        self._made: dict[int, str] = {}

    def minute(self, unix_s: float) -> str:
        """YYMMDDHHMM."""
        minute = int(unix_s // 60)
        stamp = self._made.get(minute)
        if stamp is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            local = time.gmtime(minute * 60 + self._east_s)
            stamp = self._made[minute] = time.strftime("%y%m%d%H%M", local)
        return stamp

    def second(self, unix_s: float) -> str:
        """YYYYMMDDHHMMSS."""
        return time.strftime("%Y%m%d%H%M%S", time.gmtime(unix_s + self._east_s))
