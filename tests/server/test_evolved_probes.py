"""What evolved probes find is shown like any finding, and the user can keep the probe in the repo."""

from dataclasses import replace

import pytest
from pygls.exceptions import JsonRpcException

from diagnosis.coevolution.spec import ProbeSpec
from evolution.domain.probe import ProbeRecord, ProbeState

SPEC = ProbeSpec(
    name="price-gap",
    complaint="missed-price",
    signal="price",
    definition="Mean distance of a page's prices from the user's usual one.",
    unit="log price",
    higher_is_better=False,
    author="template",
    template="gap",
    parameters={"column": "price"},
)


@pytest.fixture
def evolved(records):
    """A finding of an admitted probe, in the store of the editor's repo."""
    records.trial()
    found = records.finding("evolved-price-gap", details={"probe": SPEC.id, "evolved": True})
    records.feedback()
    with_probe = replace(records.store.latest_feedback(), evolved_findings={SPEC.id: (found,)})
    records.store.put_feedback(with_probe)
    record = ProbeRecord(
        id="occasion", spec=SPEC, state=ProbeState.ADMITTED, trial="t", reason="", sentence="", created_at=0.0
    )
    records.store.put_probe(record)
    return record


async def test_a_finding_of_an_evolved_probe_stands_on_its_line_and_says_so(
    connect, records, sample, evolved
):
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert (shown.code, shown.range.start.line) == ("evolved-price-gap", sample.table)
    hover = await editor.hover(uri, sample.table)
    assert "a probe that evolved for what users complain of" in hover.contents.value


async def test_a_probe_that_a_model_wrote_names_the_model(connect, records, sample, evolved):
    feedback = records.store.latest_feedback()
    (found,) = feedback.evolved_findings[SPEC.id]
    written = records.finding("evolved-price-gap", details={**found.measurement.details, "author": "gpt_x"})
    records.store.put_feedback(replace(feedback, evolved_findings={SPEC.id: (written,)}))
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert r"gpt\_x wrote it." in (await editor.hover(uri, sample.table)).contents.value
    (cause,) = (await editor.ask("findings"))["causes"]
    assert [(one["probe"], one["byLlm"]) for one in cause["findings"]] == [(SPEC.id, True)]


async def test_the_user_keeps_the_probe_by_one_action(connect, records, sample, repo, evolved):
    editor = await connect("neovim@v0.7.0")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    titles = [action.title for action in await editor.actions(uri, sample.table)]
    assert "Keep the probe of evolved-price-gap in probes/" in titles
    assert (await editor.command("keepProbe", probe=SPEC.id))["kept"] == "probes/price-gap.py"
    text = (repo / "probes" / "price-gap.py").read_text()
    assert text.startswith("# /// probe") and 'complaint = "missed-price"' in text
    assert records.store.probes(SPEC.id)[0].state is ProbeState.ACCEPTED


async def test_a_file_of_the_users_is_never_written_over(connect, records, repo, evolved):
    (repo / "probes").mkdir()
    (repo / "probes" / "price-gap.py").write_text("mine = 1\n")
    editor = await connect("visual-studio-code")
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match="exists and is another probe"):
        await editor.command("keepProbe", probe=SPEC.id)
    assert (repo / "probes" / "price-gap.py").read_text() == "mine = 1\n"


async def test_a_probe_that_was_never_admitted_cannot_be_kept(connect, records):
    editor = await connect("visual-studio-code")
    editor.open("model.py")
    with pytest.raises(JsonRpcException, match="was admitted here"):
        await editor.command("keepProbe", probe="0" * 12)
