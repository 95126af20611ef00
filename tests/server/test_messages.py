"""What a body is: a request, a notification, an answer, or why none of them; and what of its parameters is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.lsp.messages import MAX_REASON, Message, Notification, Refusal, Request, Response, messages_of
from server.lsp.params import NOTIFICATIONS, PARAMS, REQUESTS
from server.lsp.shapes import MOST, Unfit, items, natural, optional, record, text
from server.lsp.table import FEATURES, VIEWS


def message(**fields: Any) -> Message:
    (found,) = messages_of(json.dumps({"jsonrpc": "2.0", **fields}).encode())
    return found


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(("id", "method", "params", "jsonrpc", "result", "error")), inner
            )
        ),
    )
)
def test_any_json_is_a_message_or_refused(value):
    for found in messages_of(json.dumps(value).encode()):
        assert isinstance(found, Request | Notification | Response | Refusal)


def test_a_message_is_told_by_its_fields():
    assert message(id=1, method="m", params=[]) == Request(id=1, method="m", params=[])
    assert message(method="m") == Notification(method="m")
    assert message(id="a", result=None) == Response(id="a")
    assert message(id="a", error={"code": 1}) == Response(id="a", error={"code": 1})


@pytest.mark.parametrize("ident", [None, True, [1], {}])
def test_an_id_that_no_answer_can_carry_is_refused_under_null(ident):
    found = message(id=ident, method="m")
    assert isinstance(found, Refusal) and found.id is None


def test_a_number_without_end_is_no_id():
    (found,) = messages_of(b'{"jsonrpc": "2.0", "id": 1e999, "method": "m"}')
    assert isinstance(found, Refusal) and json.loads(json.dumps(found.document(), allow_nan=False))


def test_what_is_quoted_in_an_error_has_an_end():
    refusal = Refusal(code=1, reason="x" * 10**6)
    assert len(refusal.document()["error"]["message"]) < MAX_REASON + 10


def test_every_method_of_the_table_says_what_it_reads():
    methods = {row.name for row in (*FEATURES, *VIEWS)} - {"initialize"}
    assert methods <= REQUESTS | NOTIFICATIONS
    assert set(PARAMS) - methods == {
        "exit", "$/setTrace", "window/workDoneProgress/cancel", "workspace/executeCommand",
    }  # fmt: skip
    assert not REQUESTS & NOTIFICATIONS


def test_a_shape_keeps_what_is_read_and_names_the_place_that_is_wrong():
    shape = record(a=items(record(line=natural)), b=optional(text))
    assert shape({"a": [{"line": 3.0, "more": 1}, {"line": 10**30}], "c": {}}, "") == {
        "a": [{"line": 3}, {"line": MOST}]
    }
    with pytest.raises(Unfit, match=r"^a\[1\].line is -1; expected a whole number from 0$"):
        shape({"a": [{"line": 0}, {"line": -1}]}, "")
    with pytest.raises(Unfit, match=r"^params is of type list; expected an object with a, b$"):
        shape([], "")
    with pytest.raises(Unfit, match=r"^b is 'x*"):
        record(b=natural)({"b": "x" * 1000}, "")
