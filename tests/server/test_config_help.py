"""Completion, hover and links in evolverec.toml, as an editor asks for them."""

import pytest
from lsprotocol import types
from pytest_lsp import client_capabilities

BUILD = "def build(data, *, device, seed):\n    return None\n"


class Typing:
    """An editor with evolverec.toml open, in which `|` marks the cursor."""

    def __init__(self, editor):
        self.editor, self.uri = editor, editor.open("evolverec.toml", "")

    def write(self, marked):
        before, _, after = marked.partition("|")
        self.text = before + after
        self.editor.change(self.uri, self.text)
        self.at = types.Position(before.count("\n"), len(before.rpartition("\n")[2]))
        return types.TextDocumentIdentifier(self.uri), self.at

    async def complete(self, marked):
        found = await self.editor.client.text_document_completion_async(
            types.CompletionParams(*self.write(marked))
        )
        return {item.label: item for item in found.items}

    async def taken(self, marked, label):
        """The text once an offer is taken."""
        edit = (await self.complete(marked))[label].text_edit
        lines = self.text.split("\n")
        line = lines[self.at.line]
        assert edit.range.start.line == edit.range.end.line == self.at.line
        assert edit.range.start.character <= self.at.character <= edit.range.end.character
        lines[self.at.line] = (
            line[: edit.range.start.character] + edit.new_text + line[edit.range.end.character :]
        )
        return "\n".join(lines)

    async def hover(self, marked):
        shown = await self.editor.client.text_document_hover_async(types.HoverParams(*self.write(marked)))
        return shown.contents.value if shown else ""

    async def links(self, text):
        self.write(text)
        return await self.editor.client.text_document_document_link_async(
            types.DocumentLinkParams(types.TextDocumentIdentifier(self.uri))
        )


@pytest.fixture
async def typing(connect):
    return Typing(await connect("neovim@v0.7.0"))


@pytest.mark.parametrize(
    ("before", "label", "after"),
    [
        ("[|", "training]", "[training]"),
        ("[da|]", "data", "[data]"),
        ("[data]\n\n|", "[objective]", "[data]\n\n[objective]"),
        ("[training]\nma|", "max_epochs", "[training]\nmax_epochs = 60"),
        ("[training]\nma| = 3", "max_epochs", "[training]\nmax_epochs = 3"),
        ("[data]\n|", "source", '[data]\nsource = ""'),
        ("[objective]\n|", "guardrails", '[objective]\nguardrails = ["cost <= 2 * parent"]'),
        ("[training]\ndevice = |", "cuda", '[training]\ndevice = "cuda"'),
        ('[training]\ndevice = "c|', "cuda", '[training]\ndevice = "cuda"'),
        ('[training]\ndevice = "|cpu"', "cuda", '[training]\ndevice = "cuda"'),
        ("[objective]\nsessions = |", "true", "[objective]\nsessions = true"),
        (
            '[objective]\nexpression = "NDCG@10 + sat|"',
            "satisfy@session",
            '[objective]\nexpression = "NDCG@10 + satisfy@session"',
        ),
        (
            '[objective]\nguardrails = ["view|"]',
            "view@session",
            '[objective]\nguardrails = ["view@session"]',
        ),
        ("[training]\nmax_epochs = |", "60", "[training]\nmax_epochs = 60"),
        (
            '[objective]\nexpression = "0.6*HR@5 + ND|"',
            "NDCG@10",
            '[objective]\nexpression = "0.6*HR@5 + NDCG@10"',
        ),
        (
            '[objective]\nexpression = "HR|@5 + NDCG@5"',
            "MRR@10",
            '[objective]\nexpression = "MRR@10 + NDCG@5"',
        ),
        (
            "[objective]\nguardrails = |",
            "coverage@10 >= 0.2",
            '[objective]\nguardrails = ["coverage@10 >= 0.2"]',
        ),
        ('[objective]\nguardrails = ["gi|"]', "gini@10", '[objective]\nguardrails = ["gini@10"]'),
        (
            '[objective]\nguardrails = ["gini@10 |"]',
            ">= 0.9 * parent",
            '[objective]\nguardrails = ["gini@10 >= 0.9 * parent"]',
        ),
        (
            '[objective]\nguardrails = [\n  "cost |',
            "<= 2 * parent",
            '[objective]\nguardrails = [\n  "cost <= 2 * parent',
        ),
        ('[data]\nsource = "shop-|"', "shop-demo", '[data]\nsource = "shop-demo"'),
        ('[data]\nsource = "data/|"', "data/ml.inter", '[data]\nsource = "data/ml.inter"'),
        ('[data]\nsource = "|"', "data/", '[data]\nsource = "data/"'),
        ('[recommender]\nentry = "|"', "models.sas:build", '[recommender]\nentry = "models.sas:build"'),
        ("[recommender]\neditable = [|]", "models/*.py", '[recommender]\neditable = ["models/*.py"]'),
    ],
)
async def test_an_offer_that_is_taken_gives_valid_text(typing, repo, before, label, after):
    (repo / "models").mkdir()
    (repo / "models" / "sas.py").write_text(BUILD)
    (repo / "data").mkdir()
    (repo / "data" / "ml.inter").write_text("")
    assert await typing.taken(before, label) == after


async def test_only_what_is_not_there_yet_is_offered(typing):
    assert not {"data", "recommender"} & set(await typing.complete("[recommender]\n[data]\n[|]"))
    keys = await typing.complete('[data]\nsource = "x"\n|')
    assert "split" in keys and "source" not in keys
    assert (await typing.complete("# |")) == {}


async def test_functions_that_take_device_and_seed_come_first_and_environments_are_left_out(typing, repo):
    (repo / ".venv").mkdir()
    (repo / ".venv" / "x.py").write_text(BUILD)
    (repo / "env").mkdir()
    (repo / "env" / "pyvenv.cfg").write_text("")
    (repo / "env" / "y.py").write_text(BUILD)
    (repo / "a.py").write_text("def helper(x):\n    pass\n")
    found = await typing.complete('[recommender]\nentry = "|"')
    assert list(found) == ["model:build", "a:helper"]
    assert found["model:build"].detail == "model.py, line 15"


async def test_other_files_have_no_completion(connect, repo):
    editor = await connect("emacs")
    uri = editor.open("model.py")
    params = types.CompletionParams(types.TextDocumentIdentifier(uri), types.Position(0, 0))
    assert await editor.client.text_document_completion_async(params) is None


async def test_hover_says_what_a_key_is_and_its_default(typing):
    said = await typing.hover("[training]\nmax_ep|ochs = ")
    for words in ("training.max_epochs", "whole number, at least 1", "Epochs at most.", "Default: "):
        assert words in said
    assert "none: it must be there" in await typing.hover("[data]\nsour|ce =")
    assert (await typing.hover("[data]\nnon|sense = 1")).startswith("data.nonsense: unknown key")
    assert await typing.hover('[data]\nsource = "shop-micro"\n# non|sense') == ""


async def test_hover_of_a_section_is_a_table_where_markdown_is_shown(connect):
    typing = Typing(await connect("visual-studio-code"))
    assert "| `patience` | `5` | Train on until" in await typing.hover("[trai|ning]")
    capabilities = client_capabilities("emacs")
    capabilities.text_document.hover.content_format = [types.MarkupKind.PlainText]
    typing = Typing(await connect(capabilities))
    assert "patience (5): Train on until" in await typing.hover("[trai|ning")


async def test_links_lead_to_the_function_and_to_the_log(typing, repo, sample):
    (repo / "data").mkdir()
    entry, data = await typing.links('[recommender]\nentry = "model:build"\n[data]\nsource = "data"\n')
    assert entry.target == f"{(repo / 'model.py').as_uri()}#L{sample.entry + 1}"
    assert (entry.range.start, entry.range.end) == (types.Position(1, 9), types.Position(1, 20))
    assert data.target == (repo / "data").as_uri()
    assert not await typing.links('[recommender]\nentry = "gone:build"\n[data]\nsource = "shop-demo"\n')


@pytest.mark.parametrize(("encoding", "start"), [("utf-8", 14), ("utf-16", 12), ("utf-32", 11)])
async def test_columns_are_counted_in_the_clients_units(connect, repo, encoding, start):
    capabilities = client_capabilities("neovim@v0.7.0")
    capabilities.general = types.GeneralClientCapabilities(position_encodings=[encoding])
    typing = Typing(await connect(capabilities))
    text = '[data]\n"😀" = 1\nsource = "😀|"\n'
    typing.write(text)
    at = types.Position(2, start)
    params = types.CompletionParams(types.TextDocumentIdentifier(typing.uri), at)
    (item, *_) = (await typing.editor.client.text_document_completion_async(params)).items
    assert (item.text_edit.range.start.character, item.text_edit.range.end) == (10, at)
