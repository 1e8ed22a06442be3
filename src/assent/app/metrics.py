"""Prometheus metrics from the processes' own reports; docs/metrics.md tells each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

_COUNTERS: Final = {
    "commits": "Transactions that committed attempts",
    "attempts": "Messages attempted",
    "results": "Answers of carriers stored",
    "receipts": "Receipts stored",
    "receipts_parked": "Receipts parked because their message was not known yet",
    "reports_malformed": "Reports that could not be read",
    "replies_incomplete": "Replies read without some of their parts, which did not come in time",
    "unwritable": "Segments refused because no PDU of their link's dialect can hold them",
    "confirmations": "Confirmations of refusals sent",
}
_LINK_COUNTERS: Final = {
    "submitted": "Segments written to a link",
    "accepted": "Segments that the carrier accepted",
    "throttled": "Answers that asked for a pause",
    "lost": "Segments whose answer was lost with the connection",
    "connects": "Connections made, so one more than reconnects",
    "disconnects": "Connections that ended",
    "binds_refused": "Logins that the carrier refused",
    "delivers": "Reports and replies that arrived",
    "stalls": "Connections given up because the carrier did not answer or did not read",
    "protocol_errors": "PDUs that broke the protocol",
    "window_full": "Times that the window had no room",
    "paced": "Times that the rate held the link back",
}
_LINK_GAUGES: Final = {
    "in_flight": "Segments written and not answered",
    "window": "Segments that may be unanswered at once",
    "unacknowledged": "Reports and replies that wait for us to store them",
    "throttled_now": "Whether the link pauses because the carrier asked for it",
}
STATES: Final = (
    "down",
    "connecting",
    "binding",
    "bound",
    "paused",
    "standby",
    "refused",
    "draining",
    "closed",
)
_LABELS: Final = ("carrier", "link")


_LEDGER_GAUGES: Final = {
    "size": "Entries under the last checkpoint that this process sealed",
    "witnessed": "Entries under the last checkpoint that witnesses cosigned",
    "witness_missing_seconds": "Seconds since a witness saw the ledger",
    "witness_missing": "Whether no witness has seen the ledger for an hour",
    "held": "Whether marketing is off because the ledger is not the one that was",
}
_LEDGER_COUNTERS: Final = {
    "journal_kept": "Refusals kept beside the database",
    "journal_lost": "Refusals that could not be kept beside the database",
}


_PAGES: Final = {
    "looks": "Pages behind links that were looked at",
    "changed": "Pages that were held for a reviewer",
    "failed": "Looks at which a page's server did not answer as it should",
    "restarts": "Times that the fetcher ended and was started again",
}


class _Reports:
    """A collector over reports of processes."""

    def __init__(self, reports: Mapping[int, Mapping[str, Any]]) -> None:
        self._reports = reports

    def collect(self) -> Iterable[Metric]:
        """Yield one family a figure: of processes with the role as label, of links with carrier
        and connection."""
        reports = list(self._reports.values())
        for name, words in _COUNTERS.items():
            counter = CounterMetricFamily(f"assent_{name}", words, labels=["role"])
            for report in reports:
                counter.add_metric([report["role"]], report.get(name, 0))
            yield counter
        pending = GaugeMetricFamily(
            "assent_pending_segments",
            "Committed segments that no link has taken yet",
            labels=["role", "carrier"],
        )
        parts = GaugeMetricFamily(
            "assent_reply_parts_waiting", "Parts of replies that wait for others", labels=["role"]
        )
        for report in reports:
            parts.add_metric([report["role"]], report["reply_parts_waiting"])
            for carrier, count in report["pending"].items():
                pending.add_metric([report["role"], carrier], count)
        yield from (pending, parts)
        yield from _of_ledger(reports)
        yield from _of_pages(reports)
        yield from _of_links([link for report in reports for link in report["links"]])


def _of_ledger(reports: list[Mapping[str, Any]]) -> Iterator[Metric]:
    for kind, table in (
        (GaugeMetricFamily, _LEDGER_GAUGES), (CounterMetricFamily, _LEDGER_COUNTERS),
    ):  # fmt: skip
        for name, words in table.items():
            family = kind(f"assent_ledger_{name}", words, labels=["role"])
            for report in reports:
                family.add_metric([report["role"]], float(report["ledger"][name]))
            yield family


def _of_pages(reports: list[Mapping[str, Any]]) -> Iterator[Metric]:
    for name, words in _PAGES.items():
        family = CounterMetricFamily(f"assent_page_{name}", words, labels=["role"])
        for report in reports:
            family.add_metric([report["role"]], float(report["pages"][name]))
        yield family


def _of_links(links: list[Mapping[str, Any]]) -> Iterator[Metric]:
    for kind, table in ((CounterMetricFamily, _LINK_COUNTERS), (GaugeMetricFamily, _LINK_GAUGES)):
        for name, words in table.items():
            family = kind(f"assent_link_{name}", words, labels=_LABELS)
            for link in links:
                family.add_metric([link["carrier"], link["name"]], float(link[name]))
            yield family
    bound = GaugeMetricFamily(
        "assent_link_bound", "Whether a link may carry traffic", labels=_LABELS
    )
    state = GaugeMetricFamily(
        "assent_link_state", "1 for the state a link is in", labels=(*_LABELS, "state")
    )
    refused = CounterMetricFamily(
        "assent_link_refused",
        "Refusals by result code; -1 is all others",
        labels=(*_LABELS, "code"),
    )
    time = HistogramMetricFamily(
        "assent_link_answer_seconds", "Time until an answer, of one segment a write", labels=_LABELS
    )
    for link in links:
        labels = [link["carrier"], link["name"]]
        bound.add_metric(labels, float(link["state"] == "bound"))
        for one in STATES:
            state.add_metric([*labels, one], float(link["state"] == one))
        for code, count in link["refused"].items():
            refused.add_metric([*labels, code], count)
        answers = link["answer_time"]
        bounds = [*(str(float(one)) for one in answers["bounds"]), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(answers["counts"])), strict=True))
        time.add_metric(labels, buckets, answers["sum"])
    yield from (bound, state, refused, time)


def text(reports: Mapping[int, Mapping[str, Any]]) -> bytes:
    """Return the exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reports(reports))
    return generate_latest(registry)
