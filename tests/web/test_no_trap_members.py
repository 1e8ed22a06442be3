"""Promise 7 and questions to members: who is asked, who is not, and why, is told to nobody."""

from __future__ import annotations

from tests.flow.conftest import number
from tests.web.office import Office
from tests.web.test_members import desk, invited, reply

__all__ = ["desk"]


async def test_invitations_tell_nobody_apart(desk: Office) -> None:
    """One who is a member, one who said no, one who refused everybody, one who was asked and is
    silent, one never heard of: the answer is the same, and the counts of today are yesterday's."""
    asked = {
        kind: number("mobile", place)
        for place, kind in enumerate(("yes", "no", "all", "silent"), 1)
    }
    texts = await invited(desk, list(asked.values()))
    assert texts.keys() == {*asked.values()}
    await reply(desk, "mobile", asked["yes"], "Y")
    await reply(desk, "mobile", asked["no"], "不同意")
    await reply(desk, "mobile", asked["all"], "全部退订")
    counts = (await desk.call("club", "GET", "/v1/members")).content
    told = set()
    for person in (*asked.values(), number("mobile", 99)):
        body = {"sender": "CLUB", "to": [person]}
        answer = await desk.call("club", "POST", "/v1/members/invitations", body)
        headers = [pair for pair in answer.headers.items() if pair[0] != "date"]
        told.add((answer.status_code, repr(headers), answer.content))
    assert len(told) == 1
    assert (await desk.call("club", "GET", "/v1/members")).content == counts
    await desk.platform.sql(
        "UPDATE member_invitation SET created_at = created_at - interval '1 day'"
    )
    (row,) = (await desk.call("club", "GET", "/v1/members")).json()["items"]
    before = row["agreed"]
    await reply(desk, "mobile", asked["yes"], "TD")
    (row,) = (await desk.call("club", "GET", "/v1/members")).json()["items"]
    assert (row["invited"], row["agreed"]) == (5, before) == (5, 1), "who left is told to nobody"
