"""The HTTP API over a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from assent.app.audience_desk import AudienceDesk
from assent.app.evidence_desk import EvidenceDesk
from assent.app.link_desk import LinkDesk
from assent.app.metrics import text
from assent.app.money_desk import MoneyDesk
from assent.app.node import Node
from assent.app.pdu_desk import PduDesk
from assent.flow.gate import Callers
from assent.flow.needs import utc
from assent.flow.sandbox import Sandbox
from assent.flow.sandbox_order import Road
from assent.numbers import NumberTable
from assent.watch.statistics_desk import StatisticsDesk
from assent.web import HttpServer, Services, create_app


def _bound(reports: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the connections of each carrier that may carry traffic."""
    carriers: dict[str, int] = {}
    for report in reports:
        for link in report["links"]:
            carriers.setdefault(link["carrier"], 0)
            carriers[link["carrier"]] += link["state"] == "bound"
    return carriers


async def serve(node: Node) -> HttpServer:
    """Start the API of a node; `.port` is where it listens."""
    reports: dict[int, dict[str, Any]] = {}

    async def health() -> Mapping[str, Any]:
        rows = await node.store.fetch("health_all")
        reports.clear()
        for row in rows:
            reports[row["epoch"]] = msgspec.json.decode(row["body"])
        reports[node.epoch.id] = node.report()
        return {
            "ready": node.epoch.alive and not node.lost.is_set(),
            "time": utc(node.clock.now()),
            "carriers": _bound(reports.values()),
            "processes": {report["role"]: report for report in reports.values()},
        }

    settings = node.settings.http
    web = settings.web()

    def metrics() -> bytes:
        return text({node.epoch.id: node.report()} | reports)

    app = create_app(_services(node, health, metrics), web)
    server = HttpServer(app, settings.host, settings.port, web)
    await server.start()
    return server


def _services(
    node: Node,
    health: Callable[[], Awaitable[Mapping[str, Any]]],
    metrics: Callable[[], bytes],
) -> Services:
    """Return what the routes call. (long: a line a service)"""
    assert node.people is not None, "only such a node serves"
    served = node.people.receivers
    assert served is not None, "it has both or neither"
    gate = node.people.gate
    provinces = NumberTable.load().provinces
    return Services(
        clock=node.clock,
        keys=Callers(node.keys, gate.sessions),
        gate=gate,
        sending=node.sending,
        campaigns=node.campaigns,
        consents=node.consents,
        refusals=node.refusals,
        status=node.status,
        videos=node.videos,
        health=health,
        metrics_text=metrics,
        sandbox=Sandbox(node.clock, Road(node.settings.refusal_wording, node.submit.writings)),
        links=LinkDesk(node),
        pdulog=PduDesk(node),
        money=MoneyDesk(node),
        evidence=EvidenceDesk(node),
        forgetting=node.erasure_desk,
        ports=node.port_desk,
        audiences=AudienceDesk(node),
        consent_rooms=node.asking_desk,
        front=node.front,
        receivers=served.rooms,
        telephone=served.telephone,
        imports=node.consent_desk.shown,
        doors=node.refusal_desk,
        pages=node.page_desk.shown,
        near=node.near_desk,
        rollups=node.rollup_desk.shown,
        cases=node.case_desk,
        complaints=node.complaint_desk,
        warning=node.warning_desk,
        texts=node.screening,
        calls=served.calls,
        statistics=StatisticsDesk(node.store, node.clock, node.catalogue, provinces),
        restricting=node.ceiling_desk,
    )
