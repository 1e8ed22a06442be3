"""Evidence bundles: what is known of a person and a sender, with proofs, in one archive.

An archive is a function of what is put in: names sorted, nothing compressed, no times of files. Its
files::

    manifest.json    every other file with its SHA-256; what the bundle is about; when it was made
    manifest.note    the log's signature over the manifest's SHA-256 (C2SP signed note)
    checkpoint.note  the log's signed checkpoint, cosigned by its witnesses
    keys.txt         the public keys of the log and of its witnesses, a line each
    entries.json     entries of the ledger: canonical bytes, the person's secret, inclusion proof
    history.json     earlier checkpoints with consistency proofs to the bundle's
    records/...      what the platform's own records say: messages, decisions, receipts, replies
    readme.txt       what is proved by this archive, what is not, and how to check it

What the tree proves are the entries. The records are the platform's statement: the signature over
the manifest proves only that it made it, and that it was not changed since. :mod:`verify` checks
all that, and shares no code with this module.
"""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from assent.consent.note import Note, PublicKey, SigningKey
from assent.errors import InvalidInput

FORMAT: Final = "assent-evidence/1"
_OWN: Final = frozenset(
    {"manifest.json", "manifest.note", "checkpoint.note", "keys.txt", "entries.json",
     "history.json", "readme.txt"}
)  # fmt: skip
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry with what proves it. `position` from 1; `proof` for leaf position - 1 in the tree of
    the bundle's checkpoint; `words`: what it says, for people."""

    position: int
    body: bytes
    secret: bytes
    proof: Sequence[bytes]
    words: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier checkpoint with the proof that the bundle's tree extends it. `why`: what it stands
    beside, such as a message's decision."""

    note: Note
    proof: Sequence[bytes]
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What goes into a bundle. `about`: what was asked for (JSON); `made_at`: RFC 3339; `records`:
    file name → JSON value or octets; `readme`: words for people."""

    about: Mapping[str, Any]
    made_at: str
    checkpoint: Note
    keys: Sequence[PublicKey]
    entries: Sequence[Proved]
    records: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Earlier] = ()
    readme: str = ""


def build(evidence: Evidence, signer: SigningKey) -> bytes:
    """Return the archive; the same evidence gives the same octets. Raises InvalidInput for a name
    that no record can have."""
    files = {
        "checkpoint.note": str(evidence.checkpoint).encode(),
        "keys.txt": "".join(f"{key}\n" for key in evidence.keys).encode(),
        "entries.json": canonical([_entry(one) for one in evidence.entries]),
        "history.json": canonical([_earlier(one) for one in evidence.history]),
        "readme.txt": evidence.readme.encode(),
    }
    for name, value in evidence.records.items():
        parts = name.split("/")
        if name in _OWN or not all(part.strip(".") for part in parts) or not name.isascii():
            raise InvalidInput("bundle_name", "no name for a record", field=f"records.{name}")
        octets = value if isinstance(value, bytes) else canonical(value)
        files[f"records/{name}"] = octets
    manifest = canonical(
        {
            "format": FORMAT,
            "made_at": evidence.made_at,
            "about": evidence.about,
            "files": {
                name: {"octets": len(octets), "sha256": sha256(octets).hexdigest()}
                for name, octets in files.items()
            },
        }
    )
    text = f"{FORMAT}\n{sha256(manifest).hexdigest()}\n"
    files["manifest.json"] = manifest
    files["manifest.note"] = str(Note(text, (signer.sign(text),))).encode()
    return _archive(files)


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8, a line feed last."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def _archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, files[name])
    return out.getvalue()


def _entry(one: Proved) -> dict[str, Any]:
    return {
        "position": one.position,
        "body": one.body.hex(),
        "secret": one.secret.hex(),
        "proof": [b64encode(part).decode() for part in one.proof],
        "words": one.words,
    }


def _earlier(one: Earlier) -> dict[str, Any]:
    proof = [b64encode(part).decode() for part in one.proof]
    return {"note": str(one.note), "proof": proof, "why": one.why}
