"""What people complained of, as carriers and 12321 pass it on: files of their own forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from assent.quarter.receivers import Complaint

_CHINA: Final = timezone(timedelta(hours=8))
_FORMS: Final = {
    "mobile": ("10086999", "{port}*{text}"),
    "unicom": ("10010", "ljdxjb#{port}#{text}"),
    "telecom": ("10000999", "{port}:{text}"),
}
"""Mapping, and how a subscriber's report is written, by carrier."""


def of_carriers(complaints: Sequence[Complaint]) -> Iterable[tuple[str, str, bytes]]:
    """Yield (carrier, mapping, CSV file) of each carrier whose people complained."""
    for carrier, (mapping, form) in _FORMS.items():
        rows = [
            (one.person, _time(one.at), form.format(port=one.port, text=one.text))
            for one in complaints
            if one.carrier == carrier
        ]
        if rows:
            yield carrier, mapping, _csv(("举报人号码", "举报时间", "上行内容"), rows)


def of_the_centre(complaints: Sequence[Complaint]) -> bytes:
    """Return a file of referrals of 12321."""
    rows = [(one.person, _time(one.at), one.port, one.text) for one in complaints]
    return _csv(("举报人号码", "举报时间", "被举报号码", "短信内容"), rows)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, _CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue().encode()
