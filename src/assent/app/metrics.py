"""Prometheus metrics from the processes' own reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_COUNTERS: Final = {
    "commits": "Transactions that committed attempts",
    "attempts": "Messages attempted",
    "results": "Answers of carriers stored",
    "receipts": "Receipts stored",
    "receipts_parked": "Receipts parked because their message was not known yet",
    "reports_malformed": "Reports that could not be read",
    "replies_incomplete": "Replies read without some of their parts, which did not come in time",
    "confirmations": "Confirmations of refusals sent",
}


class _Reports:
    """A collector over reports of processes."""

    def __init__(self, reports: Mapping[int, Mapping[str, Any]]) -> None:
        self._reports = reports

    def collect(self) -> Iterable[Metric]:
        """Yield one family a figure, with the process's role as label."""
        reports = list(self._reports.values())
        for name, words in _COUNTERS.items():
            counter = CounterMetricFamily(f"assent_{name}", words, labels=["role"])
            for report in reports:
                counter.add_metric([report["role"]], report[name])
            yield counter
        pending = GaugeMetricFamily(
            "assent_pending_segments",
            "Committed segments that no link has taken yet",
            labels=["role", "carrier"],
        )
        parts = GaugeMetricFamily(
            "assent_reply_parts_waiting", "Parts of replies that wait for others", labels=["role"]
        )
        bound = GaugeMetricFamily(
            "assent_link_bound", "Whether a link may carry traffic", labels=["carrier", "link"]
        )
        submitted = CounterMetricFamily(
            "assent_link_submitted", "Segments written to a link", labels=["carrier", "link"]
        )
        for report in reports:
            parts.add_metric([report["role"]], report["reply_parts_waiting"])
            for carrier, count in report["pending"].items():
                pending.add_metric([report["role"], carrier], count)
            for link in report["links"]:
                labels = [link["carrier"], link["name"]]
                bound.add_metric(labels, float(link["state"] == "bound"))
                submitted.add_metric(labels, link["submitted"])
        yield from (pending, parts, bound, submitted)


def text(reports: Mapping[int, Mapping[str, Any]]) -> bytes:
    """Return the exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reports(reports))
    return generate_latest(registry)
