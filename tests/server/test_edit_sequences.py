"""Whatever is typed: no diagnostic points outside its document, and no patch applies to text it was not made for."""

import itertools
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsprotocol import types
from pytest_lsp import client_capabilities

from evolution.base.errors import EditError
from evolution.repo.applying import check_fit, is_applied, workspace_edits
from server.lsp.client import Client
from server.lsp.diagnostics import as_diagnostic
from server.lsp.edits import text_edit
from server.lsp.positions import lines_of
from server.lsp.repo import Repo
from server.lsp.view import look
from tests.bench.server_load_repo import fill  # the store of the load bench, in small

ENCODINGS = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
LINES = st.sampled_from(
    [
        "",
        "# é😀",
        "x = torch.nn.functional.dropout(x, 0.5)",
        "        self.weight = torch.nn.Linear(width, width)",
        "def build(data, *, device, seed):",
        "class Layer1(torch.nn.Module):",
        "'''",
        "a\fb\u2028c",
        "old\rmac",
    ]
)
PLACE = st.integers(0, 200)
EDITS = st.one_of(
    st.tuples(st.just("insert"), PLACE, st.lists(LINES, min_size=1, max_size=3)),
    st.tuples(st.just("delete"), PLACE, st.integers(1, 12)),
    st.tuples(st.just("move"), PLACE, st.integers(1, 20), PLACE),
    st.tuples(st.just("copy"), PLACE, st.integers(1, 40), PLACE),
    st.tuples(st.just("type"), PLACE, LINES),
    st.tuples(st.just("end"), PLACE),
    st.tuples(st.sampled_from(["crlf", "lf", "undo", "undo", "nothing left"])),
    st.tuples(st.just("patch"), st.integers(0, 3)),
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A repo read from a real store, and its text."""
    root = tmp_path_factory.mktemp("edits") / "repo"
    text = fill(root, 70, 8, 4)
    repo = Repo(root)
    repo.load()
    return repo, text


def after(texts, edit, patched):
    """The text after one more edit, by lines, as editors make them."""
    text, (kind, *how) = texts[-1], edit
    lines = text.split("\n")
    at = how[0] % len(lines) if how and kind != "patch" else 0
    match kind:
        case "insert":
            lines[at:at] = how[1]
        case "delete":
            del lines[at : at + how[1]]
        case "move":
            taken, lines[at : at + how[1]] = lines[at : at + how[1]], []
            to = how[2] % (len(lines) + 1)
            lines[to:to] = taken
        case "copy":
            to = how[2] % (len(lines) + 1)
            lines[to:to] = lines[at : at + how[1]]
        case "type":
            lines[at] = lines[at] + how[1]
        case "end":  # one line gets the line end of another system
            lines[at] = lines[at].removesuffix("\r") if lines[at].endswith("\r") else lines[at] + "\r"
        case "crlf":
            return text.replace("\r\n", "\n").replace("\n", "\r\n")
        case "lf":
            return text.replace("\r\n", "\n")
        case "undo":
            return texts[-2] if len(texts) > 1 else text
        case "nothing left":
            return ""
        case "patch":
            return patched(how[0], text)
    return "\n".join(lines)


OPEN = "\x01"


def by_hand(edits, text):
    """The text with the patch where each edit's old lines occur exactly once and apart, whatever their ends; else None.

    A file keeps its line ends. Those of new lines in a file with mixed ones are left open: OPEN stands for them.
    """
    crlf = 0 < text.count("\n") == text.count("\r\n")
    own = "\r" if crlf else "" if "\r\n" not in text else OPEN
    lines = text.split("\n")
    bare = [line.removesuffix("\r") for line in lines]
    places = []
    for edit in edits:
        old = edit.old.split("\n")
        found = [at for at in range(len(bare)) if bare[at : at + len(old)] == old]
        if len(found) != 1:
            return None
        places.append((found[0], found[0] + len(old), edit.new.split("\n")))
    places.sort()
    if any(one[1] > two[0] for one, two in itertools.pairwise(places)):
        return None
    for start, end, new in reversed(places):
        lines[start:end] = [line + own for line in new]
    if crlf:
        lines[-1] = lines[-1].removesuffix("\r")
    return "\n".join(lines)


def is_as_expected(text, expected):
    return re.fullmatch(re.escape(expected).replace(OPEN, "\r?"), text) is not None


def carried_out(text, edits, encoding):
    """As an editor does: places are lines, which end at CRLF, LF or CR, and columns in units of the encoding."""
    codec, size = CODECS[encoding]
    starts, at = [], 0
    for line in lines_of(text):
        starts.append(at)
        at += len(line)
        at += 2 if text[at : at + 2] == "\r\n" else 1

    def offset(place):
        units = lines_of(text)[place.line].encode(codec)
        assert place.character * size <= len(units)
        return starts[place.line] + len(units[: place.character * size].decode(codec))

    spans = sorted((offset(edit.range.start), offset(edit.range.end), edit.new_text) for edit in edits)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))
    for start, end, new in reversed(spans):
        text = text[:start] + new + text[end:]
    return text


class Shown:
    """As much of a session as a diagnostic is made from."""

    def __init__(self, encoding, read):
        self.client = Client(encoding=encoding, related_information=True)
        self.pages, self._read = self, read

    def address(self, code, root):
        return None

    def reader(self, repo):
        return self._read

    def uri_of(self, repo, path):
        return path


def check_inside(span, lines, encoding):
    codec, size = CODECS[encoding]
    for place in (span.start, span.end):
        assert 0 <= place.line < len(lines)
        assert 0 <= place.character <= len(lines[place.line].encode(codec)) // size
    assert (span.start.line, span.start.character) <= (span.end.line, span.end.character) or not lines[
        span.start.line
    ].strip()


def check(repo, text, encoding):
    def read(path):
        return text if path == "model.py" else None

    view = look(repo.knowledge, "model.py", 1, read)
    session: Any = Shown(encoding, read)
    for mark in view.marks:
        found = as_diagnostic(session, repo, view, mark)
        check_inside(found.range, view.lines, encoding)
        for related in found.related_information or ():
            check_inside(related.location.range, view.lines, encoding)
    for proposal in repo.knowledge.proposals:
        expected = None if is_applied(proposal.patch.edits, read) else by_hand(proposal.patch.edits, text)
        try:
            edits = workspace_edits(proposal, read)
        except EditError:
            assert expected is None
            with pytest.raises(EditError):
                check_fit(proposal.patch.edits, read)
            continue
        check_fit(proposal.patch.edits, read)
        assert expected is not None
        carried = carried_out(text, [text_edit(edit, text, encoding) for edit in edits], encoding)
        assert is_as_expected(carried, expected)


@pytest.mark.slow
@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(EDITS, min_size=1, max_size=6), st.sampled_from(ENCODINGS))
def test_two_hundred_sequences_of_edits(prepared, sequence, encoding):
    repo, start = prepared

    def patched(number, text):
        return (by_hand(repo.knowledge.proposals[number].patch.edits, text) or text).replace(OPEN, "")

    texts = [start]
    for edit in sequence:
        texts.append(after(texts, edit, patched))
        check(repo, texts[-1], encoding)


async def test_the_same_over_the_wire(connect, tmp_path):
    """Diagnostics pulled and patches offered right after each edit, by a client that gets edits at once."""
    root = tmp_path / "typed in"
    text = fill(root, 70, 8, 4)
    capabilities = client_capabilities("emacs")
    capabilities.general = types.GeneralClientCapabilities(position_encodings=["utf-8"])
    capabilities.text_document.diagnostic = types.DiagnosticClientCapabilities()
    capabilities.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    editor = await connect(capabilities, folders=[root])
    editor.repo = root
    uri = editor.open("model.py", text)
    knowledge = Repo(root)
    knowledge.load()
    proposals = {proposal.idea.title: proposal for proposal in knowledge.knowledge.proposals}
    chance, texts, fitted, refused = random.Random(7), [text], 0, 0
    for _ in range(12):
        kind = chance.choice(["insert", "delete", "move", "type", "crlf", "lf", "undo"])
        places = [chance.randrange(70) for _ in range(2)]
        edit = {
            "insert": (kind, places[0], ["# é😀", ""]),
            "delete": (kind, places[0], 3),
            "move": (kind, places[0], 5, places[1]),
            "type": (kind, places[0], "  # 😀"),
        }.get(kind, (kind,))
        texts.append(after(texts, edit, None))
        editor.change(uri, texts[-1])
        lines = lines_of(texts[-1])
        params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
        for found in (await editor.client.text_document_diagnostic_async(params)).items:
            check_inside(found.range, lines, "utf-8")
        whole = types.Range(types.Position(0, 0), types.Position(len(lines) - 1, 0))
        context = types.CodeActionContext(diagnostics=[], only=["quickfix", "refactor"])
        actions = await editor.client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), whole, context)
        )
        for action in actions or ():
            proposal = proposals.get(action.title.partition(":")[0])
            if proposal is None or action.command:
                refused += 1
                continue
            (document,) = action.edit.document_changes
            assert document.text_document.version == editor.versions[uri]
            expected = by_hand(proposal.patch.edits, texts[-1])
            assert is_as_expected(carried_out(texts[-1], document.edits, "utf-8"), expected)
            fitted += 1
    assert fitted and refused
