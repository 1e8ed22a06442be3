"""What a process tells of itself: figures and health, for the API and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assent.app.node import Node


def figures(node: Node, uptime_s: float) -> dict[str, Any]:
    """Return figures and health of a process; no personal data. (long: a line a figure)"""
    return {
        "role": node.role,
        "uptime_s": round(uptime_s, 1),
        "commits": node.dispatcher.commits,
        "attempts": node.dispatcher.attempts,
        "results": node.results.stored,
        "receipts": node.inbound.receipts,
        "receipts_parked": node.inbound.parked,
        "reports_malformed": node.inbound.malformed,
        "unwritable": node.traffic.unwritable,
        "confirmations": node.confirmer.sent,
        "replies": dict(node.replies.counts),
        "replies_incomplete": node.replies.incomplete,
        "reply_parts_waiting": node.replies.parts_waiting,
        "pending": dict(node.traffic.pending),
        "windows_open": len(node.traffic.windows),
        "outstanding": {c: len(o) for c, o in node.traffic.outstanding.items()},
        "ledger_position": node.live.position,
        "customers": node.customers.report() if node.customers is not None else {},
        "people": node.people.report() if node.people is not None else {},
        "errors": {
            name: code
            for name, code in (
                ("dispatch", node.dispatcher.last_error),
                ("leases", node.dispatcher.leases.last_error),
                ("holding", node.dispatcher.holding.last_error),
                ("results", node.results.last_error),
                ("inbound", node.inbound.last_error),
                ("settle", node.settler.last_error),
                ("campaigns", node.campaigns.last_error),
                ("indexing", node.indexing.last_error),
                ("probes", node.shared_probes.last_error),
                ("confirm", node.confirmer.last_error),
                ("consents", node.consent_desk.last_error),
                ("pages", node.page_desk.watch.last_error),
                ("complaints", node.complaint_desk.last_error),
                *node.ledger.errors(),
                ("forgetting", node.erasure_desk.last_error),
                *(node.customers.errors() if node.customers is not None else ()),
                *(node.people.errors() if node.people is not None else ()),
            )
            if code
        },
        "pdus": node.pdus.report(),
        "ledger": node.ledger.report(),
        "consents": node.consent_desk.report(),
        "pages": node.page_desk.report(),
        "looks": {**node.looks, "rollups": node.rollup_desk.rollups.looked_at},
        **node.fleet.report(),
    }
