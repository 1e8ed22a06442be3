"""Running the rules again over a part of a stored decision, with the facts that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.catalogue import Catalogue
from assent.flow.replay_parts import Part
from assent.flow.segments import values_of
from assent.message import NEEDS_STANDING, Purpose
from assent.policy.again import mask_of
from assent.policy.decide import decide, leave_times
from assent.policy.facts import PASSED, Content, Facts
from assent.policy.filing import Relation, filed_under
from assent.policy.reasons import BY_CODE
from assent.policy.rulebook import Rulebook

Bits = npt.NDArray[np.uint64]
Moments = npt.NDArray[np.int64]
Claims = Callable[[Moments], Mapping[str, npt.NDArray[Any]]]
"""Tells what caps have used up by the moments at which messages may leave."""
_TOO_LOW: Final = np.uint64(1 << BY_CODE["grade_too_low"].bit)
_SLACK_S: Final = 1.0


@dataclass(slots=True)
class Judge:
    """Runs rules. `catalogue`: as it is today; what it says of ports (purpose, signature) and of
    templates never changes, a sender's contact number and industry may."""

    catalogue: Catalogue

    def found(
        self, part: Part, rulebook: Rulebook, start: float | None, claims: Claims | None = None
    ) -> tuple[Bits, Moments]:
        """Return what a rulebook's rules find, a mask a person, of which only the bits of
        `part.computable` (and of caps, where `claims` are given) mean something; and when each
        message may leave, unix seconds. `start`: when the order was placed for, None for at once.
        The part must have a batch. (long: a line a fact)"""
        batch, n = part.batch, part.n
        assert batch is not None
        port = self.catalogue.ports[batch["port_id"]]
        sender = self.catalogue.senders[part.order["sender_id"]]
        template = self.catalogue.templates.get(batch["template_id"])
        nothing, will = np.zeros(n, np.bool_), part.will
        content = Content(part.purpose, batch["content"], part.segments, values_of(part.variables))
        facts = Facts(
            now=part.order["at"].timestamp(),
            port_purpose=port.purpose,
            port_active=True,
            port_free_to_reply=port.free_to_reply,
            port_signature=port.signature,
            basis_filed=bool(template and template.basis) or batch["video_id"] is not None,
            contacts=(sender.contact,) if sender.contact else (),
            grade=None if will is None else will.grade,
            refused=nothing if will is None else will.refused,
            paused=nothing if will is None else will.paused,
            reachable=~nothing,
            price=np.zeros(n, np.int64),
            balance=0,
            not_before=start,
            expires_at=batch["expires_at"].timestamp(),
            screening=PASSED,
        )
        leave = leave_times(part.columns, content, facts, rulebook)
        none = {cap.id: np.zeros(n, np.int32) for cap in rulebook.caps_for(part.purpose)}
        facts = replace(facts, claims=none if claims is None else claims(leave))
        return decide(part.columns, content, facts, rulebook).findings, leave

    def start(self, part: Part, rulebook: Rulebook | None) -> float | None:
        """Return the time that the order was placed for, None for at once. A batch has one time
        for that and for quiet hours: where quiet hours alone come to it, they were it."""
        batch = part.batch
        if batch is None:
            return None
        start = float(batch["not_before"].timestamp())
        if start <= part.order["at"].timestamp() + _SLACK_S:
            return None
        if rulebook is not None and part.allowed:
            _, leave = self.found(part, rulebook, None)
            if bool((np.abs(leave - start) <= _SLACK_S).all()):
                return None
        return start

    def low(self, part: Part, rulebook: Rulebook, relation: Relation) -> npt.NDArray[np.bool_]:
        """Return whose proof is too weak, if the people of the order stand so to the sender."""
        assert part.will is not None
        sender = self.catalogue.senders[part.order["sender_id"]]
        filed = filed_under(sender.industry, relation)
        places = rulebook.profile_of(part.columns)
        grade = part.will.grade
        needed: Any
        if isinstance(places, int):
            needed = rulebook.profiles[places].grade_for(part.purpose, filed)
        else:
            each = [profile.grade_for(part.purpose, filed) for profile in rulebook.profiles]
            needed = np.array(each, np.uint8)[places]
        weak: npt.NDArray[np.bool_] = (grade > 0) & (grade < needed)
        return weak

    def relations(self, part: Part, rulebook: Rulebook | None) -> Sequence[Relation]:
        """Return how the people may have stood to the sender, as the customer said: what the
        audience says; of other orders it is not kept, but must explain what was found then."""
        if "grade_too_low" not in part.computable:
            return [Relation.UNSTATED]
        if part.order["relation"]:
            return [Relation(part.order["relation"])]
        if rulebook is None:
            return list(Relation)
        then = (part.recorded & _TOO_LOW) != 0
        found = [one for one in Relation if bool((self.low(part, rulebook, one) == then).all())]
        return found or [Relation.UNSTATED]

    def again(
        self, part: Part, rulebook: Rulebook, relations: Sequence[Relation],
        start: float | None, claims: Claims | None = None,
    ) -> tuple[Bits, Bits, Moments]:  # fmt: skip
        """Return what is found under a rulebook, which bits of it are known for each person, and
        when each may leave."""
        found, leave = self.found(part, rulebook, start, claims)
        codes = part.computable - {"grade_too_low"}
        if claims is not None:
            codes |= {"over_cap", "over_cap_all"}
        known = np.full(part.n, mask_of(codes), np.uint64)
        found = found & ~_TOO_LOW
        if "grade_too_low" in part.computable:
            answers = np.array([self.low(part, rulebook, one) for one in relations])
            found |= np.where(answers[0], _TOO_LOW, np.uint64(0))
            agreed = (answers == answers[0]).all(axis=0)
            known |= np.where(agreed, _TOO_LOW, np.uint64(0))
        known[part.erased] = 0
        return found, known, leave


def binding(purpose: Purpose, codes: frozenset[str]) -> frozenset[str]:
    """Return those of some codes whose rules bind a purpose at all."""
    if purpose in NEEDS_STANDING:
        return codes
    return codes - {"no_standing", "grade_too_low", "paused"}
