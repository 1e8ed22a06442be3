"""What is sealed in the database, and sealing it again after the vault got a new key.

Each kind of sealed value stands in `SEALED`: how its rows are read page by page and put back. A
test compares the list with the schema, so that no column is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from assent.flow.asking import number_belongs, place_belongs
from assent.flow.case_rows import word_owner
from assent.flow.consent_facts import place_owner
from assent.flow.erasure import belongs as erasure_owner
from assent.flow.fingerprints import key_owner as fingerprint_key_owner
from assent.flow.kept_evidence import belongs as evidence_owner
from assent.flow.ledger_key import key_owner
from assent.flow.logins import owner_of
from assent.flow.needs import Store
from assent.flow.payments import payer_owner
from assent.flow.post import mail_owner
from assent.flow.proofs import TOTP_OWNER, token_owner
from assent.flow.reassignment import hold_owner
from assent.flow.receiver_view import said_owner, words_owner
from assent.flow.selves import PHONE_OWNER
from assent.flow.text_reviews import changed_owner, text_owner
from assent.flow.vault import Vault

AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column. `page` names a query with (key of the last row or NULL, rows) → `key`, `sealed` and
    what `owner` needs; `put` one with (key, old octets, new octets) that changes nothing when the
    row changed meanwhile. `owner` returns what a row's value belongs to."""

    column: str
    page: str
    put: str
    owner: Callable[[Any], str]


SEALED: Final = (
    Sealed(
        "customer_link.sealed",
        "sealed_customer_links",
        "reseal_customer_link",
        lambda row: owner_of(row["login"]),
    ),
    Sealed(
        "paper_file.sealed",
        "sealed_paper_files",
        "reseal_paper_file",
        lambda row: paper_owner(row["key"]),
    ),
    Sealed(
        "actor.phone_sealed",
        "sealed_phones",
        "reseal_phone",
        lambda row: PHONE_OWNER.format(row["key"]),
    ),
    Sealed(
        "actor.totp_sealed",
        "sealed_totps",
        "reseal_totp",
        lambda row: TOTP_OWNER.format(row["key"]),
    ),
    Sealed(
        "actor_token.sealed",
        "sealed_tokens",
        "reseal_token",
        lambda row: token_owner(row["key"]),
    ),
    Sealed(
        "mail_out.sealed",
        "sealed_mails",
        "reseal_mail",
        lambda row: mail_owner(row["key"]),
    ),
    Sealed(
        "entity_person.sealed",
        "sealed_entity_people",
        "reseal_entity_person",
        lambda row: f"entity_person/{bytes(row['person']).hex()}",
    ),
    Sealed(
        "payment_line.payer_sealed",
        "sealed_payers",
        "reseal_payer",
        lambda row: payer_owner(row["port"], row["external_id"]),
    ),
    Sealed(
        "ledger_key.sealed",
        "sealed_ledger_keys",
        "reseal_ledger_key",
        lambda row: key_owner(row["key"]),
    ),
    Sealed(
        "erasure.sealed",
        "sealed_erasures",
        "reseal_erasure",
        lambda row: erasure_owner(row["person_id"]),
    ),
    Sealed(
        "legal_hold.sealed",
        "sealed_legal_holds",
        "reseal_legal_hold",
        lambda row: hold_owner(row["person_id"]),
    ),
    Sealed(
        "consent_evidence.sealed",
        "sealed_consent_evidence",
        "reseal_consent_evidence",
        lambda row: evidence_owner(row["account_id"], bytes(row["sha256"])),
    ),
    Sealed(
        "complaint.sealed",
        "sealed_complaints",
        "reseal_complaint",
        lambda row: words_owner(row["receipt_code"]),
    ),
    Sealed(
        "complaint_word.sealed",
        "sealed_complaint_words",
        "reseal_complaint_word",
        lambda row: said_owner(row["complaint_id"]),
    ),
    Sealed(
        "consent_proof.place_sealed",
        "sealed_consent_places",
        "reseal_consent_place",
        lambda row: place_owner(row["import_id"], row["person_id"]),
    ),
    Sealed(
        "consent_request.number_sealed",
        "sealed_asked_numbers",
        "reseal_asked_number",
        lambda row: number_belongs(row["key"]),
    ),
    Sealed(
        "consent_request.place_sealed",
        "sealed_asked_places",
        "reseal_asked_place",
        lambda row: place_belongs(row["key"]),
    ),
    Sealed(
        "fingerprint_key.sealed",
        "sealed_fingerprint_keys",
        "reseal_fingerprint_key",
        lambda row: fingerprint_key_owner(row["key"]),
    ),
    Sealed(
        "text_review.sealed",
        "sealed_texts",
        "reseal_text",
        lambda row: text_owner(row["sender_id"], bytes(row["digest"])),
    ),
    Sealed(
        "text_review.changed_sealed",
        "sealed_changed_texts",
        "reseal_changed_text",
        lambda row: changed_owner(row["sender_id"], bytes(row["digest"])),
    ),
    Sealed(
        "case_word.sealed",
        "sealed_case_words",
        "reseal_case_word",
        lambda row: word_owner(row["key"]),
    ),
)
"""Every sealed column of the schema."""


def paper_owner(sha256: bytes) -> str:
    """Return what the sealed octets of a paper belong to."""
    return f"paper_file/{sha256.hex()}"


async def seal_again(store: Store, vault: Vault) -> dict[str, int]:
    """Seal with the newest key whatever is sealed with an older one; return how many, by column.

    May run beside traffic: small pages, no locks held. May be repeated.
    """
    done: dict[str, int] = {}
    for kind in SEALED:
        last: Any = None
        done[kind.column] = 0
        while rows := await store.fetch(kind.page, last, AT_ONCE):
            last = rows[-1]["key"]
            for row in rows:
                if vault.stale(row["sealed"]):
                    owner = kind.owner(row)
                    new = vault.seal(vault.open(row["sealed"], owner), owner)
                    await store.execute(kind.put, row["key"], row["sealed"], new)
                    done[kind.column] += 1
    return done
