from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txhub.errors import UsageError
from txhub.query.cursor import Cursor, decode, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSORS = st.builds(
    Cursor,
    st.integers(0, 2**52).map(lambda place: EPOCH + timedelta(microseconds=place)),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**31 - 1),
)


@given(CURSORS)
def test_comes_back_as_it_went(cursor: Cursor) -> None:
    assert decode(encode(cursor)) == cursor


@given(CURSORS, st.data())
def test_a_changed_one_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    text = encode(cursor)
    place = data.draw(st.integers(0, len(text) - 2))  # the last letter has bits that mean nothing
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_").filter(lambda it: it != text[place]))
    with pytest.raises(UsageError, match="cursor is"):
        decode(text[:place] + letter + text[place + 1 :])


@given(st.text(max_size=40))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cursor is"):
        decode(text)
