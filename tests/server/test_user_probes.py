"""Probes that the user writes, in an editor: faults as they are typed, findings with a page of their own."""

from dataclasses import replace

from diagnosis.findings import Finding, Role, Severity
from diagnosis.user_probes.reading import read_user_probe
from evolution.repo.programs import Programs

BROKEN = 'WARN_ABOVE = "high"\n\n\ndef measure(view):\n    return view.popularity.mean()\n'
SOUND = BROKEN.replace('"high"', "3")


async def test_faults_of_a_probe_are_told_as_it_is_typed(connect, records):
    (records.repo / "probes").mkdir()
    (records.repo / "probes" / "top.py").write_text(SOUND)
    editor = await connect("emacs")
    uri = editor.open("probes/top.py")
    editor.change(uri, BROKEN)
    await editor.wait(lambda: editor.shown(uri))
    (fault,) = editor.shown(uri)
    assert (fault.code, fault.range.start.line) == ("probe-fault", 0) and "expected a number" in fault.message
    editor.change(uri, SOUND.replace("return", "return ("))
    await editor.wait(lambda: [d.range.start.line for d in editor.shown(uri)] == [4])
    editor.change(uri, SOUND)
    await editor.wait(lambda: not editor.shown(uri))


async def test_a_finding_of_a_probe_stands_on_its_line_with_a_page(connect, records, sample):
    probe = read_user_probe("probes/top.py", '"""Popular first: too much of it."""\n' + SOUND)
    records.trial()
    feedback = records.feedback()
    anchor = records.anchor("model.py", sample.loss, Role.LOSS)
    found = Finding(id="own1", kind=probe.kind, severity=Severity.WARNING, message="much", anchors=(anchor,))
    records.store.put_feedback(replace(feedback, findings=(), own_findings=(found,), own_key="k"))
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: any(d.code == "user/top" for d in editor.shown(uri)))
    (shown,) = [d for d in editor.shown(uri) if d.code == "user/top"]
    assert shown.message == "Popular first: much"
    line = shown.range.start.line
    assert "A probe of this repo: probes/top.py." in (await editor.hover(uri, line)).contents.value


def test_a_probe_is_no_part_of_a_program(repo):
    (repo / "probes").mkdir()
    programs = Programs.open(repo)
    before = programs.snapshot().tree
    (repo / "probes" / "top.py").write_text(SOUND)
    (repo / "probes" / "half.py").write_text("def measure(view\n")
    assert programs.snapshot().tree == before
    (repo / "probes" / "_shared.py").write_text("X = 1\n")
    assert "probes/_shared.py" in programs.files(programs.snapshot().tree)
