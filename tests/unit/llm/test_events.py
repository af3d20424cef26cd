"""Reading streams of events and the chunks in them, cut at every byte."""

import json

import pytest

from ringback.llm.chunks import Answer
from ringback.llm.events import EventData
from ringback.llm.protocol import ModelFailed, ToolCall

pytestmark = pytest.mark.unit

STREAM = ': hi\r\n\r\ndata: {"a": "\u00e9"}\r\n\r\nevent: x\ndata:one\ndata: two\n\nid: 3\n\ndata: last'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_cut_anywhere(size: int) -> None:
    events, data = EventData(), STREAM.encode()
    found = [one for at in range(0, len(data), size) for one in events.feed(data[at : at + size])]
    assert found == ['{"a": "\u00e9"}', "one\ntwo"]
    assert list(events.last()) == ["last"]


def tool(**delta: object) -> str:
    return json.dumps({"choices": [{"delta": {"tool_calls": [delta]}}]})


def test_tool_calls_of_servers_that_give_no_index() -> None:
    answer = Answer()
    for data in (
        tool(id="a", function={"name": "one", "arguments": '{"x":'}),
        tool(function={"arguments": "1}"}),
        tool(id="b", function={"name": "two", "arguments": "{}"}),
    ):
        assert list(answer.take(data)) == []
    assert answer.calls() == [ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", "{}")]


@pytest.mark.parametrize("data", ["no json", "[1]", '{"error": {"message": "out of memory"}}'])
def test_what_is_no_chunk(data: str) -> None:
    with pytest.raises(ModelFailed):
        list(Answer().take(data))


@pytest.mark.parametrize(
    "data", ['{"choices": []}', '{"choices": [{}]}', '{"choices": [{"delta": null}]}', "{}"]
)
def test_chunks_that_say_nothing(data: str) -> None:
    answer = Answer()
    assert list(answer.take(data)) == []
    assert not answer.ended
