"""What a fuzzed client sends: valid messages of LSP's own types, then mutated, dropped, doubled and put in another order.

`Places` names what a session may speak of: nothing outside is ever written to, whatever is drawn.
"""

import enum
import types as python_types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
from hypothesis import strategies as st
from lsprotocol import types

from server.lsp.handshake import COMMANDS
from server.lsp.table import VIEWS
from tests.server.raw import call

SENT_BY_CLIENT = tuple(
    method
    for method in types.METHOD_TO_TYPES
    if types.message_direction(method) != "serverToClient"
    and method not in (types.INITIALIZE, types.SHUTDOWN, types.EXIT)
)
OURS = tuple(row.name for row in VIEWS)
COSTLY = ("evolverec/setup",)  # starts a process
DEPTH = 3

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 10**30, 0.5, 1e308, "", "x", "\ud800", "\x00", "\x1b[31mred", "😀" * 3,
    "a" * 5000, [], {}, [None], [[]], {"": None}, {"id": 1}, [1, "2", {"3": 4}],
)  # fmt: skip
ODD_URIS = (
    "", "model.py", "file:", "file://", "file:///", "file://[", "file:///%", "file:///%00", "file:///%zz/%ff%fe",
    "file:///" + "a/" * 3000, "file:///" + "n" * 4000, "http://example.org/model.py", "untitled:Untitled-1",
    "evolverec-docs:/config.md?/", "evolverec-proposal:/p1.diff?/nowhere", "file:///\ud800.py", "file:///proc/self/mem",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Places:
    """A repo, and documents of it that sessions open and change."""

    repo: Path

    @property
    def uris(self) -> tuple[str, ...]:
        names = ("model.py", "evolverec.toml", "other.py", "absent.py", "sub dir/é.py")
        return tuple((self.repo / name).as_uri() for name in names)


def uris(places: Places) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(places.uris), st.sampled_from(places.uris), st.sampled_from(ODD_URIS))


TEXTS = st.sampled_from(
    (
        "",
        "import torch\n",
        "def build(data, *, device, seed):\n    return None\n",
        "x = 1\r\ny = '😀'\rz\x0c = 2\n",
        "class M(torch.nn.Module):\n    pass\n" * 20,
        "(" * 400,
        "-" * 3000 + "1\n",
        "x = " + "1+" * 3000 + "1\n",
        '[recommender]\nentry = "model:build"\n',
        "[data\nsource=",
        "\ud83d",
        "a\ud800b",
        "\x00",
        "> " * 500 + "*" * 99,
    )
)
NUMBERS = st.one_of(st.integers(0, 20), st.integers(0, 20), st.sampled_from((2**31 - 1, 10**6)))


class Valid:
    """Strategies for valid JSON of lsprotocol's types."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def params(self, method: str) -> st.SearchStrategy[Any]:
        kind = types.METHOD_TO_TYPES[method][2]
        if method == types.WORKSPACE_EXECUTE_COMMAND:
            return self._command()
        return self._object(kind, 0) if kind else st.none()

    def _command(self) -> st.SearchStrategy[Any]:
        named = st.fixed_dictionaries(
            {},
            optional={
                "repo": st.sampled_from((str(self._places.repo), self._places.repo.as_uri(), "", "/nowhere")),
                "proposal": st.sampled_from(("p1", "gone")),
                "id": st.sampled_from(("n1", "gone")),
                "job": st.sampled_from(("gone", "../..")),
                "path": st.just("model.py"),
                "hunks": st.lists(st.integers(0, 2), max_size=2),
                "probe": st.just("gone"),
                "resume": st.just("gone"),
                "seed": st.just("sasrec"),
                "folder": st.just(str(self._places.repo)),  # not empty, so refused
            },
        )
        return st.fixed_dictionaries(
            {"command": st.sampled_from(COMMANDS), "arguments": st.lists(named, max_size=1)}
        )

    def _object(self, kind: Any, depth: int) -> st.SearchStrategy[Any]:
        hints = typing.get_type_hints(kind, dict(vars(types)))
        required, maybe = {}, {}
        for field in attrs.fields(kind):
            name = _camel(field.name)
            if field.default is attrs.NOTHING:
                required[name] = self._named(name, hints[field.name], depth)
            elif depth < DEPTH:
                maybe[name] = self._named(name, hints[field.name], depth)
        return st.fixed_dictionaries(required, optional=maybe)

    def _named(self, name: str, kind: Any, depth: int) -> st.SearchStrategy[Any]:
        if name.lower().endswith("uri") and kind in (str, str | None):
            return uris(self._places)
        return TEXTS if name == "text" else self.of(kind, depth + 1)

    def of(self, kind: Any, depth: int) -> st.SearchStrategy[Any]:
        """Strategy for a type hint of lsprotocol's."""
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if attrs.has(kind) and kind is not types.LSPObject:
            return self._object(kind, depth)
        if origin in (typing.Union, python_types.UnionType):
            return st.one_of(
                [self.of(part, depth) for part in inner if depth < DEPTH or not attrs.has(part)]
                or [st.none()]
            )
        if origin is typing.Literal:
            return st.sampled_from(inner)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return st.sampled_from([member.value for member in kind])
        if origin in (list, tuple, typing.Sequence) or "Sequence" in str(origin):
            return st.lists(self.of(inner[0], depth + 1), max_size=2 if depth < DEPTH else 0)
        simple = {
            str: st.sampled_from(("", "x", "quickfix", "p1")),
            int: NUMBERS,
            float: NUMBERS,
            bool: st.booleans(),
        }
        return simple.get(kind, st.sampled_from(ODD) if kind is not type(None) else st.none())


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


@st.composite
def mutated(draw: st.DrawFn, value: Any, depth: int = 0) -> Any:
    """The JSON with one place of it replaced by something odd, left out, or doubled."""
    if isinstance(value, dict) and value and depth < 8 and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 4)):
            return {key: kept for key, kept in value.items() if key != name}
        return {**value, name: draw(mutated(value[name], depth + 1))}
    if isinstance(value, list) and value and depth < 8 and draw(st.integers(0, 3)):
        row = draw(st.integers(0, len(value) - 1))
        return [*value[:row], draw(mutated(value[row], depth + 1)), *value[row:]]
    return draw(st.sampled_from(ODD))


def _messages(places: Places) -> st.SearchStrategy[dict[str, Any]]:
    valid = Valid(places)
    lsp = st.sampled_from(SENT_BY_CLIENT).flatmap(
        lambda method: st.tuples(st.just(method), valid.params(method))
    )
    common = st.sampled_from(COMMON).flatmap(lambda method: st.tuples(st.just(method), valid.params(method)))
    view = st.fixed_dictionaries({}, optional={"repo": st.sampled_from((str(places.repo), "/nowhere"))})
    ours = st.sampled_from([name for name in OURS if name not in COSTLY])
    return st.one_of(lsp, common, common, common, st.tuples(ours, view)).map(lambda both: call(*both))


COMMON = (
    types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE, types.TEXT_DOCUMENT_DID_SAVE, types.TEXT_DOCUMENT_HOVER,
    types.TEXT_DOCUMENT_CODE_ACTION, types.CODE_ACTION_RESOLVE, types.TEXT_DOCUMENT_CODE_LENS,
    types.TEXT_DOCUMENT_DIAGNOSTIC, types.WORKSPACE_DIAGNOSTIC, types.TEXT_DOCUMENT_COMPLETION,
    types.WORKSPACE_EXECUTE_COMMAND, types.WORKSPACE_TEXT_DOCUMENT_CONTENT, types.TEXT_DOCUMENT_INLAY_HINT,
)  # fmt: skip


def _is_request(method: str) -> bool:
    known = types.METHOD_TO_TYPES.get(method)
    return known is None or known[1] is not None


@st.composite
def bursts(draw: st.DrawFn, places: Places) -> list[dict[str, Any]]:
    """Messages of a session that is under way; an id is a placeholder, True, where the message is a request."""
    sent = draw(st.lists(_messages(places), min_size=1, max_size=8))
    burst: list[dict[str, Any]] = []
    for message in sent:
        if draw(st.booleans()):
            message = {**message, "params": draw(mutated(message["params"]))}
        if not draw(st.integers(0, 15)):
            message = {key: kept for key, kept in message.items() if key != "params"}
        if _is_request(message["method"]) or not draw(st.integers(0, 9)):
            message = {**message, "id": True}
        burst += [message] * (2 if not draw(st.integers(0, 9)) else 1)
    return draw(st.permutations(burst)) if draw(st.booleans()) else burst


BROKEN_BYTES = (
    b"", b"\r\n", b"junk\r\n", b"Content-Length: -1\r\n\r\n", b"Content-Length: 0\r\n\r\n", b"Content-Length: 2\r\n\r\n{}",
    b"Content-Length: 99999999999\r\n\r\n", b"Content-Length: 3\n\n[1]", b"Content-Length: x\r\n\r\n{}", b"Content-Length: 400\r\n\r\n{",
    b"Content-Length: 1\r\n\r\n{}", b"Content-Type: y\r\n\r\n", b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nnull",
    b"Content-Length: 6\r\n\r\n\xff\xfe\xfd\xfc\xfb\xfa", b"\x00" * 300, b"Content-Length: 3\r\n\r\nNaN",
    b'Content-Length: 45\r\n\r\n{"jsonrpc": "2.0", "id": "nobody", "result": 5}',
)  # fmt: skip


@st.composite
def introductions(draw: st.DrawFn, places: Places) -> list[dict[str, Any]]:
    """The messages of a whole session: its start mutated, then a burst, then its end; any of them may be absent."""
    folders = [{"uri": places.repo.as_uri(), "name": "repo"}]
    params = {
        "processId": None,
        "rootUri": None,
        "workspaceFolders": folders,
        "initializationOptions": {"views": True, "python": 5, "inlayHints": draw(st.booleans())},
        "capabilities": draw(Valid(places).of(types.ClientCapabilities, 0)),
    }
    start = {**call("initialize", params), "id": True}
    if draw(st.booleans()):
        start = {**start, "params": draw(mutated(params))}
    end = [{**call("shutdown"), "id": True}, call("exit")]
    whole = [start, call("initialized", {}), *draw(bursts(places)), *end]
    kept = [message for message in whole if draw(st.integers(0, 7))]
    return draw(st.permutations(kept)) if not draw(st.integers(0, 3)) else kept


REPLIES: dict[str, dict[str, Any] | None] = {
    "nothing chosen": {"result": None},
    "an error": {"error": {"code": -32803, "message": "the editor says no"}},
    "another type": {"result": {"title": 5, "applied": "x"}},
    "another length": {"result": [None, None]},
    "a broken error": {"error": "no"},
    "no answer": None,
}


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What a client sends at once, and how it answers the server meanwhile.

    parts: messages, where an id of True stands for a new one; bytes, written as they are; numbers, of the requests
    before that are cancelled
    """

    parts: list[Any]
    reply: str


@st.composite
def traffics(draw: st.DrawFn, places: Places) -> Traffic:
    parts: list[Any] = []
    for message in draw(bursts(places)):
        if not draw(st.integers(0, 19)):
            parts.append(draw(st.sampled_from(BROKEN_BYTES)))
        parts.append(message)
        if not draw(st.integers(0, 9)):
            parts.append(draw(st.integers(0, 5)))
    return Traffic(parts=parts, reply=draw(st.sampled_from(sorted(REPLIES))))
