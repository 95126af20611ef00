"""What users said, as stored, as a document, in the terminal and in the editor: of both kinds of personas."""

import json
from pathlib import Path

import pytest

from evolution.base import serial
from evolution.domain.feedback import Feedback
from evolution.store.documents import simulate_document
from server.cli.render import show_simulation
from server.shown.notes import of_feedback
from simulator.critiques import (
    Critique,
    Fidelity,
    Interpretation,
    Pattern,
    Quote,
    Simulation,
    Status,
    TrackedSignal,
)

FIDELITY = Fidelity(auc=0.7, low=0.6, high=0.8, users=20, by_popularity=0.65)


def critique(identity: str) -> Critique:
    return Critique(
        id=identity, code="missed-price", positive=False, signal="price", message="Too dear.", count=15, users=20,
        share=0.75, low=0.53, high=0.89, quotes=(Quote(user=7, persona="comes rarely", text="[All] too dear."),),
        fidelity=FIDELITY,
    )  # fmt: skip


def form(worded_by: str) -> Interpretation:
    pattern = Pattern(
        code="missed-price", signal="price", sentence="Prices are off.", count=15, users=20, share=0.75, low=0.53,
        high=0.89,
    )  # fmt: skip
    return Interpretation(
        status=Status.CRITICAL, because="20% of the shown items fit", fit=(0.2, 0.1, 0.3), fit_at_top=(0.3, 0.2, 0.4),
        reads_intent="by fame", right=(), wrong=(pattern,), main_failure="The first three are dear.",
        main_failure_code="missed-price", worded_by=worded_by,
        track=(TrackedSignal(signal="price", sentence="distance of prices", codes=("missed-price",)),),
    )  # fmt: skip


def simulation(**changes) -> Simulation:
    values = {
        "users": 20, "seed": 0, "fidelity": FIDELITY, "critiques": (critique("one"),), "mean_align": 0.2,
        "mean_rating": None, "wall_s": 1.0, "interpretation": form(""),
    }  # fmt: skip
    return Simulation(**{**values, **changes})


PLAYED = {
    "kind": "llm",
    "model": "a-model",
    "critiques": (critique("two"),),
    "interpretation": form("a-model"),
}


@pytest.fixture
def feedback() -> Feedback:
    played = simulation(failed=2, **PLAYED)
    return Feedback(trial="t", program="p", created_at=0.0, simulation=simulation(), interviews=played)


def test_both_are_stored_as_they_were(feedback):
    assert serial.loads(Feedback, serial.dumps(feedback)) == feedback


def test_what_an_earlier_version_stored_can_still_be_read():
    new = ("kind", "model", "failed", "no_vote", "interpretation")
    record = {key: value for key, value in serial.plain(simulation()).items() if key not in new}
    read = serial.load(Simulation, record)
    assert (read.kind, read.model, read.failed, read.interpretation) == ("statistical", "", 0, None)


def test_the_document_has_the_form_for_both_and_nothing_that_json_lacks(feedback):
    document = json.loads(json.dumps(simulate_document(feedback, {"one"}), allow_nan=False))
    assert (document["kind"], document["model"], document["failed"]) == ("statistical", None, 0)
    assert document["critiques"] == []  # dismissed, but only of the statistical personas
    played = document["interviews"]
    assert (played["kind"], played["model"], played["failed"]) == ("llm", "a-model", 2)
    assert played["critiques"][0]["id"] == "two"
    assert played["interpretation"]["status"] == "CRITICAL"
    assert played["interpretation"]["missed"] == ["missed-price"]
    assert played["interpretation"]["overused"] == []
    assert played["interpretation"]["track"][0]["codes"] == ["missed-price"]


def test_the_terminal_shows_status_main_failure_signals_and_who_played(feedback, capsys):
    show_simulation(Path(), simulate_document(feedback, set()))
    said = capsys.readouterr().out
    assert (
        "20 simulated users played by a-model were asked (2 more could not be had and are left out)" in said
    )
    assert "(.5 is chance; popularity alone has .650)" in said
    assert "CRITICAL: 20% of the shown items fit" in said
    assert "at the top: The first three are dear." in said
    assert "worth measuring (price): distance of prices" in said
    assert "in the words of a-model; the figures are counted" in said
    assert "[All] too dear." in said


def test_the_terminal_says_why_users_have_no_vote(feedback, capsys):
    silent = simulation(
        no_vote="9 of 20 users could not be asked", critiques=(), interpretation=None, mean_align=None
    )
    show_simulation(
        Path(), simulate_document(Feedback(trial="t", program="p", created_at=0.0, simulation=silent), set())
    )
    assert "9 of 20 users could not be asked, so what they say is not counted" in capsys.readouterr().out


def test_the_editor_tells_a_critique_by_a_model_from_others(feedback):
    own, played = of_feedback(feedback)
    assert own.finding.message == "Too dear."
    assert played.finding.message == "Too dear. (said by personas played by a-model)"
    assert own.id != played.id
