"""Bodies made for many receivers with texts of their own equal those made one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire.cmpp import V20, V30, SubmitForm

people = st.integers(13_000_000_000, 19_999_999_999).map(lambda number: b"%d" % number)


@given(
    st.sampled_from([V20, V30]),
    st.lists(st.tuples(people, st.binary(max_size=140)), max_size=6),
)
def test_own_bodies_equal_single_ones(version: int, messages: list[tuple[bytes, bytes]]) -> None:
    form = SubmitForm(version, service_id="x", src_id="106900001234", msg_src="900001")
    made = form.own_bodies([m[0] for m in messages], [m[1] for m in messages], 8)
    assert made == [form.body(number, content, 8) for number, content in messages]


@pytest.mark.parametrize(("number", "content"), [(b"1" * 33, b""), (b"13800138000", b"x" * 141)])
def test_own_bodies_refuse_what_does_not_fit(number: bytes, content: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        SubmitForm(V30).own_bodies([number], [content], 8)
