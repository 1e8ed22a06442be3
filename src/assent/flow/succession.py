"""Another name and key for a log that cannot go on: it was rolled back, and its witnesses will
never cosign it again. The log says so itself.

The tree goes on with the same leaves. The first entry under the new name is a setting `log`: its
document names the old log, its key and last checkpoint, what each witness saw of it, and why. So
nobody can be told that the old log never was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from assent.consent.entry import NOBODY, Channel, Entry, Kind, Origin, Scope, decode
from assent.consent.note import KeyKind, PublicKey, SigningKey
from assent.errors import Conflict, InvalidInput
from assent.flow.ledger import append
from assent.flow.ledger_key import check_name, key_owner, open_key
from assent.flow.needs import Queries, Store, utc
from assent.flow.sealing import last
from assent.flow.settings_log import canonical
from assent.flow.vault import Vault

LOG: Final = "log"
_SEED: Final = 32
_ALIVE_S: Final = 10.0


async def succeed(
    store: Store,
    vault: Vault,
    random: Callable[[int], bytes],
    now: float,
    origin: str,
    reason: str,
) -> dict[str, Any]:
    """Give the log another name and key; return both, old and new.

    Raises InvalidInput for no name, no reason, or a name that it has or had, and Conflict while the
    platform runs or a recovery is open: refusals are brought back first.
    """
    check_name(origin)
    if not reason.strip():
        raise InvalidInput("reason", "it needs a reason", field="reason", mend="say why")
    old, old_key = await open_key(store, vault, random, now)
    if origin in {old, *(one["before"]["origin"] for one in await _documents(store))}:
        raise InvalidInput(
            "ledger_origin", "the log has or had this name", field="origin",
            rule="settings: ledger", mend="take another",
        )  # fmt: skip
    await _check_rest(store, now)
    seed = random(_SEED)
    key = SigningKey(origin, KeyKind.NOTE, seed).public
    async with store.transaction() as tx:
        await tx.execute("settings_lock")
        before = {"origin": old, "key": str(old_key.public), "checkpoint": (await last(tx)).note}
        new = {"origin": origin, "key": str(key), "reason": reason.strip()}
        document = canonical({**new, "before": before, "witnessed": await _witnessed(tx)})
        digest = hashlib.sha256(document).digest()
        entry = Entry(
            int(now * 1000), Kind.SETTING, NOBODY, scope=Scope.PLATFORM,
            channel=Channel.PLATFORM, origin=Origin.STAFF, statement=digest, receipt=LOG,
        )  # fmt: skip
        await tx.execute("ledger_key_change", origin, vault.seal(seed, key_owner(origin)), utc(now))
        await tx.execute("witnesses_forget")
        (position,) = (await append(tx, [entry], utc(now))).positions
        await tx.execute("setting_put", position, LOG, digest, document, utc(now))
    return {"origin": origin, "key": str(key), "before": before, "position": position}


async def _witnessed(queries: Queries) -> list[dict[str, Any]]:
    """Return what each witness saw of the log that ends."""
    rows = await queries.fetch("witnesses_all")
    return [{"name": row["name"], "size": row["size"], "note": row["note"]} for row in rows]


async def _check_rest(store: Store, now: float) -> None:
    rows = await store.fetch("health_all")
    if any(now - row["at"].timestamp() < _ALIVE_S for row in rows):
        raise Conflict(
            "platform_runs", "the platform runs, and signs under the old name", field="origin",
            mend="stop it first",
        )  # fmt: skip
    if await store.fetchval("recovery_open"):
        raise Conflict(
            "recovery_open", "a recovery is open", field="origin",
            mend="assent ledger recover, then assent ledger resume",
        )  # fmt: skip


async def past_keys(queries: Queries) -> list[PublicKey]:
    """Return the keys that signed under earlier names, as the ledger itself tells them."""
    return [PublicKey.parse(one["before"]["key"]) for one in await _documents(queries)]


async def _documents(queries: Queries) -> list[dict[str, Any]]:
    rows = await queries.fetch("settings_all", 2**62)
    return [json.loads(bytes(row["document"])) for row in rows if _named_by_its_entry(row)]


def _named_by_its_entry(row: Any) -> bool:
    """Return whether a document is one of a log's names, and the one that its entry names."""
    if row["what"] != LOG or row["body"] is None:
        return False
    try:
        entry = decode(bytes(row["body"]))
    except InvalidInput:
        return False
    digest = hashlib.sha256(bytes(row["document"])).digest()
    return (entry.kind, entry.receipt, entry.statement) == (Kind.SETTING, LOG, digest)
