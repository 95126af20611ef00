"""The objective on the model's class: found, placed, renewed, marked, and off until it is switched on."""

from lsprotocol import types
from pytest_lsp import client_capabilities

from diagnosis.findings import Role, Site
from evolution.domain.trial import Metric
from server.lsp.model_class import class_around, find_model, made
from server.lsp.positions import lines_of

ON = {"inlayHints": True}
SPLIT = {
    "main.py": "from parts.wrap import (\n    Wrapper,\n)\n\n\ndef build(data, *, device, seed):\n"
    "    made = Wrapper(data, make(seed))\n    return made\n",
    "parts/wrap.py": "class Wrapper:\n    pass\n",
}


async def hints(editor, uri, first=0, last=1000):
    span = types.Range(types.Position(first, 0), types.Position(last, 0))
    return list(
        await editor.client.text_document_inlay_hint_async(
            types.InlayHintParams(types.TextDocumentIdentifier(uri), span)
        )
        or []
    )


async def test_the_objective_stands_behind_the_class_that_the_entry_returns(connect, records, sample):
    records.trial(age_s=720)
    records.feedback()
    editor = await connect("visual-studio-code", options=ON)
    uri = editor.open("model.py")
    (hint,) = await hints(editor, uri)
    line = sample.model.split("\n").index("class Model(torch.nn.Module):")
    assert hint.position == types.Position(line, len("class Model(torch.nn.Module):"))
    assert hint.label == "objective .150 ± .010"
    assert "12 min ago" in hint.tooltip
    assert not await hints(editor, uri, 0, line - 1)


async def test_none_without_the_setting_or_without_a_trial(connect, records):
    editor = await connect("visual-studio-code", options=ON)
    assert not await hints(editor, editor.open("model.py"))
    records.trial()
    records.feedback()
    editor = await connect("visual-studio-code")
    assert not await hints(editor, editor.open("model.py"))


async def test_a_file_that_differs_from_what_was_measured_is_marked(connect, records, sample):
    records.trial()
    records.feedback()
    editor = await connect("visual-studio-code", options=ON)
    uri = editor.open("model.py")
    editor.change(uri, "import os\n" + sample.patched)
    (hint,) = await hints(editor, uri)
    assert hint.label == "objective .150 ± .010 (earlier version)"
    assert hint.position.line == 1 + sample.model.split("\n").index("class Model(torch.nn.Module):")


async def test_new_knowledge_asks_the_client_to_come_again(connect, records):
    capabilities = client_capabilities("visual-studio-code")
    capabilities.workspace.inlay_hint = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
    records.trial()
    records.feedback()
    editor = await connect(capabilities, options=ON)
    uri = editor.open("model.py")
    assert await hints(editor, uri)
    refreshes = []

    @editor.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)
    def refresh(params: None) -> None:
        refreshes.append(params)

    records.trial("trial0000002", age_s=1, objective=Metric(value=0.2, low=None, high=None))
    records.end(records.running_job(), {"trial": "trial0000002"})
    label = ""
    while label != "objective .200 (no interval)":  # each write to the store may be told on its own
        await editor.wait(lambda: refreshes)
        refreshes.clear()
        label = (await hints(editor, uri))[0].label


def test_the_class_that_made_the_item_table_comes_before_the_one_that_is_returned(tmp_path, sample):
    text = "class Inner:\n    pass\n\n\n" + sample.model
    row = text.split("\n").index("class Model(torch.nn.Module):")
    table = 1 + next(i for i, line in enumerate(text.split("\n")) if "self.items =" in line)
    site = Site(role=Role.ITEM_TABLE, path="net.py", start_line=table, end_line=table)
    read = {"net.py": "# moved down\n" + text, **SPLIT}.get
    found = find_model(tmp_path, ("main.py", 5), [site], {"net.py": text}, read)
    assert found == ("net.py", row + 1)


def test_a_class_is_followed_through_a_variable_and_an_import(tmp_path):
    for path, text in SPLIT.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    assert find_model(tmp_path, ("main.py", 5), [], {}, SPLIT.get) == ("parts/wrap.py", 0)
    assert find_model(tmp_path, ("main.py", None), [], {}, SPLIT.get) is None


def test_names_made_by_a_function_begin_with_what_it_returns():
    assert made("def build(data):\n    helper()\n    net = nets.Net(A())\n    return net") == [
        "Net",
        "A",
        "helper",
    ]
    assert made("def build(data):\n    return (") == []


def test_the_class_around_a_line_is_the_outermost():
    lines = lines_of("class A:\n    class B:\n        def f(self):\n            x = 1\n\ny = 2\n")
    assert [class_around(lines, row) for row in (3, 2, 5)] == ["A", "A", ""]
