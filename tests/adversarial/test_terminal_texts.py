"""Others' words on a terminal: no character that it obeys, no markup, whichever command prints them."""

import ast
import json
import re
import unicodedata
from typing import Any

import pytest

from evolution.base.plain_text import plain_text
from evolution.domain.job import Event, EventType
from evolution.llm.endpoint import Endpoint, Failed
from evolution.llm.settings import LlmSettings
from evolution.store.documents import (
    diagnose_document,
    proposal_document,
    simulate_document,
    train_document,
)
from evolution.store.run_document import run_document
from evolution.store.store import Store
from server.cli import output, render, show_runs
from server.cli.library import show_library
from server.cli.live import LiveView
from server.cli.sarif import write_sarif
from server.cli.show_diagnosis import show_diagnosis
from server.cli.show_sessions import show_sessions
from tests.cli import report_store
from tests.cli.conftest import evolverec, repo  # noqa: F401
from tests.conftest import ROOT
from tests.llm.scripted import status

OBEYED = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\x7f\u202eesrever\u2066\u200b\u2028\ufeff\x00"
MARKUP = "[red]not red[/red] [/] [link=http://evil]x[/link] :warning: [bold"
HOSTILE = f"name{OBEYED}{MARKUP}"
VISIBLE = re.sub(r"\s", "", MARKUP)
# Ids that we make, and words of ours with a closed set of values: a hostile one cannot be stored.
CLOSED = {
    "status",
    "severity",
    "state",
    "verified",
    "kind",
    "id",
    "trial",
    "run",
    "proposal",
    "program",
    "parent",
}
SGR = re.compile("\x1b\\[[0-9;]*m")


def hostile(document, key=""):
    """The document with every text of it exchanged."""
    if isinstance(document, dict):
        return {name: hostile(value, name) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [hostile(value, key) for value in document]
    return HOSTILE if isinstance(document, str) and key not in CLOSED else document


def check_is_plain(text: str, *, styled: bool = False) -> None:
    left = SGR.sub("", text) if styled else text
    wrong = {char for char in left if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs")} - {
        "\n",
        "\t",
    }
    assert not wrong, [hex(ord(char)) for char in wrong]


@pytest.fixture
def filled(repo):  # noqa: F811
    return repo, report_store.fill(repo)


@pytest.fixture(params=["a pipe", "a colour terminal"])
def colours(request, monkeypatch):
    styled = request.param == "a colour terminal"
    monkeypatch.setenv("COLUMNS", "400")
    if styled:
        monkeypatch.setenv("FORCE_COLOR", "1")
    return styled


FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}
EXITS = dict.fromkeys(("enough", "disappointed", "bored", "ran-out", "last-page"), FIGURE)
SESSIONS = {
    "users": 3, "page_size": 10, "most_pages": 10, "fidelity": {"auc": 0.8, "low": 0.7, "high": 0.9}, "no_vote": "x", "lacking": ["x"],
    "recommenders": [
        {"name": "x", "satisfy": FIGURE, "view": FIGURE, "depth": FIGURE, "like": FIGURE, "exits": EXITS, "model_ahead_by": FIGURE}
    ],
    "listening": {"wished": FIGURE, "told": False, "satisfy": FIGURE, "depth": FIGURE},
    "session": {
        "user": "x", "persona": "x", "history": ["x"], "satisfy": 5.0, "left": "x", "heard": True,
        "pages": [{"felt": 5.0, "trust": 0.5, "mood": "x", "wish": "x",
                   "items": [{"rank": 1, "title": "x", "taken": taken, "rating": 4, "reason": "x"} for taken in (True, False)]}],
    },
}  # fmt: skip


def documents(folder):
    with Store.open(folder) as store:
        trials, feedback, run = store.trials(), store.feedback("trial000000a"), store.runs()[0]
        known = {trial.status.value: train_document(trial) for trial in trials}
        assert feedback is not None
        version = next(trial for trial in trials if trial.id == "trial000000a")
        found = diagnose_document(version, feedback, set())
        said = simulate_document(feedback, set())
        best = store.proposals()[0]
    said["interpretation"] = {
        "status": "CRITICAL", "because": "x", "worded_by": "x", "reads_intent": "x", "main_failure": "x",
        "track": [{"signal": "x", "sentence": "x"}],
    }  # fmt: skip
    contract = [{"code": "x", "passed": False, "severity": "warning", "message": "x"}]
    spread = {"value": 1.0, "low": None, "high": None, "not_reached": 0}
    return {
        "train": (render.show_train, {**known["complete"], "contract": contract, "remarks": ["x"]}),
        "a failed trial": (render.show_train, known["failed"]),
        "diagnose": (lambda d: show_diagnosis(folder, d), {**found, "remarks": ["x"]}),
        "simulate": (lambda d: render.show_simulation(folder, d), {**said, "no_vote": "x"}),
        "sessions": (show_sessions, SESSIONS),
        "propose": (
            render.show_proposals,
            {"proposals": [proposal_document(best)], "did_not_fit": [{"recipe": "x", "reason": "x"}]},
        ),
        "evolve": (show_runs.show_run, run_document(run)),
        "replay": (
            show_runs.show_replay,
            {"same": False, "run": "x", "ended": "x", "first_difference": {"order": 1, "stored": {"status": "failed", "idea": {"title": "x"}}, "again": None}},
        ),
        "compare": (
            show_runs.show_comparison,
            {"goal": 0.1, "trials": 3, "strategies": {HOSTILE: {"trials_to_goal": spread, "final": spread, "seeds": [1]}},
             "against_best_other": {**spread, "other": "x"}, "hit_rate": {HOSTILE: {"value": 0.5, "targets": 2, "low": 0.1, "high": 0.9}},
             "judged": [{"model": "x", "run": "x", "scores": {HOSTILE: 7}}]},
        ),
        "check": (render.show_check, {"passed": ["x"], "problems": [{"severity": "error", "path": "x", "line": 3, "message": "x"}]}),
        "doctor": (render.show_doctor, {"checks": [{"name": "x", "ok": False, "needed": True, "message": "x", "help": "x"}]}),
        "library": (
            show_library,
            {"meaning": "x", "code": "x", "query": "x", "techniques": [{"id": "x", "name": "x", "title": "x", "year": 2020, "url": "x",
             "mechanism": "x", "hurts": "x", "answers": ["x"], "recipe": "x", "sketch": "x"}]},
        ),
        "a job": (render.show_item, {"kind": "job", "error": "x"}),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["train", "a failed trial", "diagnose", "simulate", "sessions", "propose", "evolve", "replay", "compare", "check", "doctor", "library", "a job"],
)  # fmt: skip
def test_a_document_of_hostile_texts_is_printed_as_text(filled, colours, capfd, name):
    show, document = documents(filled[0])[name]
    capfd.readouterr()
    show(hostile(document))
    shown = capfd.readouterr().out
    check_is_plain(shown, styled=colours)
    assert VISIBLE in re.sub(r"\s", "", SGR.sub("", shown)) or name == "a job", shown


@pytest.mark.parametrize("words", [["runs"], ["show", "trial000000a"], ["show", "trial000000e"], ["show", "abcdef0123"], ["show", "RUN"]])  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_stored_of_others_is_printed_as_text(
    repo,  # noqa: F811
    evolverec,  # noqa: F811
    monkeypatch,
    colours,
    words,
    as_json,
):
    monkeypatch.setattr(report_store, "HOSTILE", HOSTILE)
    run = report_store.fill(repo).run
    named = [run.id if word == "RUN" else word for word in words]
    answer = evolverec(named[0], repo, *named[1:], *(["--json"] if as_json else []))
    assert answer.code == 0, answer.err
    check_is_plain(answer.out, styled=colours)
    if as_json:
        assert json.loads(answer.out)


def test_sarif_is_plain_and_names_the_files(filled, tmp_path):
    document = documents(filled[0])["diagnose"][1]
    exchanged: Any = hostile(document)
    write_sarif(tmp_path / "found.sarif", exchanged)
    written = (tmp_path / "found.sarif").read_text()
    check_is_plain(written)
    (run,) = json.loads(written)["runs"]
    assert run["results"]
    for result in run["results"]:
        check_is_plain(result["message"]["text"])


def test_what_an_endpoint_says_is_plain_before_anybody_prints_it(scripted_llm):
    scripted_llm.script = status(401, HOSTILE)
    settings = LlmSettings(base_url=scripted_llm.base_url, key="key-of-the-scripted-endpoint", model="m")
    with pytest.raises(Failed) as failed:
        Endpoint(settings).complete(
            {"model": "m", "messages": [{"role": "user", "content": "x"}]},
            prompt="x",
            cancelled=lambda: False,
        )
    check_is_plain(str(failed.value))
    assert "name" in str(failed.value)


def test_errors_and_json_are_plain_and_json_keeps_what_was_said(capfd):
    from evolution.base.errors import RepoError

    output.report_error(RepoError(HOSTILE, path=f"{HOSTILE}.py", line=3), as_json=True)
    said = capfd.readouterr()
    check_is_plain(said.out)
    check_is_plain(said.err)
    assert json.loads(said.out)["error"]["path"] == f"{HOSTILE}.py"


def test_events_of_a_job_are_plain(colours, capfd):
    trial = {"trial": HOSTILE, "label": HOSTILE, "epoch": 1, "epochs": 3, "metric": HOSTILE, "value": 0.1}
    with LiveView() as view:
        for kind, data in (
            (EventType.PROGRESS, trial),
            (EventType.EPOCH, trial),
            (EventType.TRIAL, {"trial": HOSTILE, "status": "failed"}),
            (EventType.LOG, {}),
        ):
            view.show(Event(t=0.0, type=kind, message=HOSTILE, data=data))
        view.say(HOSTILE)
    shown = capfd.readouterr().err
    check_is_plain(shown, styled=colours)
    assert VISIBLE in re.sub(r"\s", "", SGR.sub("", shown))


def test_commands_print_by_two_doors_alone():
    """A `print` of another module would be a third."""
    doors = {"output.py", "language_server.py"}  # the latter prints before anything is imported
    for file in sorted((ROOT / "server" / "cli").glob("*.py")):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        names = {node.func.id for node in calls if isinstance(node.func, ast.Name)}
        assert "print" not in names or file.name in doors, file
        assert "Console" not in names, file


def test_joiners_and_scripts_stay():
    kept = "émoji 👩\u200d🚀, فارسی نمی\u200cخواهم, עברית, \ttab\n"
    assert plain_text(kept) == kept
    assert plain_text("a\r\nb\rc") == "a\nb\ufffdc"


def test_pages_escape_and_hide_what_reorders(filled):
    from server.report.pages import _environment

    shown = _environment().from_string("{{ text }}").render(text=f"<b>{OBEYED}")
    check_is_plain(shown)
    assert shown.startswith("&lt;b&gt;")


@pytest.mark.process
def test_a_candidate_speaks_to_no_terminal(repo, evolverec):  # noqa: F811
    """What it raises goes through worker, job, store and terminal."""
    model = repo / "shelf.py"
    model.write_text(
        model.read_text().replace("def build(", f"raise ValueError({HOSTILE!r})\n\n\ndef build(")
    )
    trained = evolverec("train", repo, "--trust")
    assert trained.code == 1 and "raised ValueError" in trained.err and "[red]not red[/red]" in trained.err
    for answer in (trained, evolverec("runs", repo), evolverec("check", repo, "--trust")):
        check_is_plain(answer.out)
        check_is_plain(answer.err)
