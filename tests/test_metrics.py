"""What Prometheus reads: every metric is in the manual, and links' figures add up."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_fd_to_metric_families  # type: ignore[import-untyped]

from assent.app.metrics import STATES, text
from assent.carrier.health import MOST_CODES, OTHER_CODES, LinkCounters
from assent.carrier.link_settings import LinkState
from tests.flow.conftest import numbers, running

DOCS = Path(__file__).parents[1] / "docs" / "metrics.md"


async def test_every_metric_is_told_and_true(migrated_url: str, tmp_path: Path) -> None:
    script = {
        "answers": {"latency": 0.005, "refusals": [{"code": 13, "numbers": "^139.*[05]$"}]},
        "receipts": {"delay": 0.01},
    }
    async with running(migrated_url, tmp_path, script) as one:
        people = numbers(90)
        await one.consent(people)
        await one.send(people)
        await one.until(lambda: len(one.submits()) == 90, "all are sent")
        await one.until(lambda: not one.node.traffic.windows, "all are answered")
        exposed = text({one.node.epoch.id: one.node.report()}).decode()
        families = {f.name: f for f in text_fd_to_metric_families(iter(exposed.splitlines()))}
        manual = DOCS.read_text("utf-8")
        told = set(re.findall(r"`(assent_\w+)`", manual.split("The mean answer")[0]))
        names = {f"{n}_total" if f.type == "counter" else n for n, f in families.items()}
        assert names == told

        def total(name: str, **labels: str) -> float:
            return sum(
                sample.value
                for sample in families[name].samples
                if labels.items() <= sample.labels.items() and not sample.name.endswith("_created")
            )

        assert total("assent_link_submitted") == 90
        refused = total("assent_link_refused", code="13")
        assert refused == 6
        assert total("assent_link_accepted") == 90 - refused
        assert total("assent_link_state", state="bound") == total("assent_link_bound") == 6
        assert total("assent_link_connects", carrier="mobile") == 2
        answers = families["assent_link_answer_seconds"].samples
        counts = {s.labels["link"]: s.value for s in answers if s.name.endswith("_count")}
        tops = {s.labels["link"]: s.value for s in answers if s.labels.get("le") == "+Inf"}
        assert counts == tops
        assert 0 < sum(counts.values()) <= 90
        means = [link["answer_time"]["mean"] for link in one.node.report()["links"]]
        assert any(mean is not None and mean >= 0.004 for mean in means)


def test_a_state_of_links_is_one_that_is_told() -> None:
    assert {state.value for state in LinkState} == set(STATES)
    manual = DOCS.read_text("utf-8")
    assert all(f"`{state}`" in manual for state in STATES)


def test_invented_codes_do_not_fill_the_memory() -> None:
    counters = LinkCounters()
    for code in range(1, 1000):
        counters.refuse(code)
        counters.refuse(5)
    assert len(counters.refused) == MOST_CODES + 1
    assert counters.refused[5] == 1000
    assert counters.refused[OTHER_CODES] == 999 - MOST_CODES
