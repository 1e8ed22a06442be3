"""An examination as people and programs read it, and as an archive that verifies offline.

The archive has the format of evidence bundles (consent/bundle.py), so `assent verify` checks it.
What it proves: that the holder of the log's key made it and nothing in it was changed; which rules
and models the ledger says were in force then; and how large the ledger was before the decisions
that it names. The list itself is the platform's signed statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from assent.consent.bundle import Evidence, build
from assent.consent.note import SigningKey
from assent.flow.catalogue import Catalogue
from assent.flow.evidence_entries import best_known, history_of, settings_in_force
from assent.flow.examine import Examination
from assent.flow.examined import Listed
from assent.flow.needs import Queries
from assent.policy.rulebook import Rulebook

FORMAT: Final = "assent-examination/1"
README: Final = """\
Self-examination of service and internal ports
==============================================

What this archive holds
  records/examination.json   what was examined, with which rules and models, and every text that
                  should not have gone: port, customer, reasons, counts, first and last time, the
                  orders and batches with the ledger position that each was decided at
  records/rulebook-now.json  the rulebook that it was examined with
  records/settings/          the rules, models and links in force in that time; the ledger names
                  them by their digests
  history.json    the ledger's checkpoints that followed the first decisions named

What it proves
  Who made it, that nothing was changed since, and which settings were in force. The list is the
  maker's signed statement: that it is complete cannot be proved.

How to check it
  assent verify THIS_FILE --key NAME+ID+KEY


业务端口自查
============

内容
  records/examination.json   自查范围、所用规则与模型，以及每条不应发送的文本：端口、客户、原因、
                  条数、首末时间、订单与批次及其判定时的账本位置
  records/rulebook-now.json  自查所用规则
  records/settings/          该期间有效的规则、模型与链路；账本载有其摘要
  history.json    所列最早判定之后的账本检查点

能够证明
  由谁制作、此后未被改动、当时有效的设置。清单是制作方的签名陈述，无法证明其完整。

核验方法
  assent verify 本文件 --key 名称+编号+公钥
"""


def told(out: Examination, catalogue: Catalogue, texts: bool) -> dict[str, Any]:
    """Return an examination as JSON has it. `texts`: with an example of each text, which may hold
    personal data."""
    scope, rows = out.scope, list(out.listing.ordered())
    by_port: Counter[str] = Counter()
    by_customer: Counter[str] = Counter()
    by_reason: Counter[str] = Counter()
    for row in rows:
        by_port[catalogue.ports[row.port_id].number] += row.messages
        by_customer[catalogue.accounts[row.account_id].name] += row.messages
        for code in {one["code"] for one in row.reasons}:
            by_reason[code] += row.messages
    return {
        "format": FORMAT,
        "from": scope.since.isoformat(),
        "to": scope.until.isoformat(),
        "purposes": sorted(purpose.name.lower() for purpose in scope.purposes),
        "only": {
            "ports": list(scope.ports),
            "senders": list(scope.senders),
            "accounts": list(scope.accounts),
        },
        "examined_with": {"rulebook": out.rulebook, "screening": out.screening},
        "ports": out.ports,
        "batches": out.batches,
        "messages": out.messages,
        "texts_judged": out.texts,
        "approved_by_people": out.approved,
        "videos_not_screened": out.videos,
        "messages_found": sum(row.messages for row in rows),
        "by_port": dict(by_port.most_common()),
        "by_customer": dict(by_customer.most_common()),
        "by_reason": dict(by_reason.most_common()),
        "found": [row.told(_who(row, catalogue), texts) for row in rows],
    }


def _who(row: Listed, catalogue: Catalogue) -> Mapping[str, Any]:
    port, sender = catalogue.ports[row.port_id], catalogue.senders[row.sender_id]
    account = catalogue.accounts[row.account_id]
    return {
        "port": {
            "id": port.id,
            "number": port.number,
            "carrier": port.carrier,
            "purpose": port.purpose.name.lower(),
            "signature": port.signature,
        },
        "customer": {"account": account.id, "name": account.name},
        "sender": {"credit_code": sender.credit_code, "legal_name": sender.legal_name},
    }


async def bundle(
    queries: Queries, out: Examination, record: Mapping[str, Any], rulebook: Rulebook,
    signer: SigningKey, made_at: datetime,
) -> bytes:  # fmt: skip
    """Return the archive. Raises NotFound before the ledger has its first checkpoint, and Conflict
    where more settings were in force than a bundle may hold."""
    head, note = await best_known(queries)
    period = (out.scope.since, out.scope.until)
    entries, documents = await settings_in_force(queries, period, head, [])
    about = {key: record[key] for key in ("from", "to", "purposes", "only", "examined_with")}
    evidence = Evidence(
        {"examination": about},
        made_at.isoformat(timespec="seconds"),
        note,
        [signer.public],
        entries,
        {
            "examination.json": record,
            "rulebook-now.json": rulebook.canonical,
            **documents,
        },
        await history_of(queries, head, out.first),
        README,
    )
    return build(evidence, signer)
