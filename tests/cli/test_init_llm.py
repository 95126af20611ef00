"""`evolverec init --llm` in a terminal: a scripted model completes the draft of a stranger's repo, or the draft stays.

The tests with the mark `process` start a job, which fails before it runs anything of the repo's; those with `training` let the
checks import, build and train it for a step in a worker.
"""

from pathlib import Path

import pytest

from seeds.shop import make
from tests.bench.existing.steps import FINISHED
from tests.evolution.adopting.test_init_reading import HEAD, MODEL, NET, STEP
from tests.foreign.shapes import shape
from tests.llm.scripted import ScriptedLlm, in_turn

FILLED = """
import evolverec_kit as kit


def build(data, *, device, seed):
    kit.seed_all(seed)
    return None
"""


@pytest.fixture
def endpoint(scripted_llm: ScriptedLlm, monkeypatch: pytest.MonkeyPatch) -> ScriptedLlm:
    for name, value in scripted_llm.environment().items():
        monkeypatch.setenv(name, value)
    return scripted_llm


@pytest.fixture
def gap(tmp_path: Path) -> Path:
    """A repo whose draft has a gap: which file it reads is not told."""
    folder = tmp_path / "gap"
    folder.mkdir()
    (folder / "main.py").write_text(
        f"{HEAD}import loader\nrows = loader.rows()\n{MODEL}for epoch in range(3):{STEP}"
    )
    (folder / "net.py").write_text(NET)
    return folder


def answer(adapter: str) -> dict[str, object]:
    return {"reading": "main.py:1", "adapter": adapter, "settings": []}


def init(evolverec, repo: Path, *words: str, data: str = "shop-micro"):
    return evolverec("init", repo, "--yes", "--data", data, *words)


def test_without_an_endpoint_nothing_is_written_and_the_way_is_named(evolverec, gap):
    done = init(evolverec, gap, "--llm")
    assert done.code == 2 and "EVOLVEREC_LLM_MODEL" in done.err
    assert not (gap / "adapter.py").exists()


@pytest.mark.parametrize("words", [("--rounds", "2"), ("--budget-usd", "1"), ("--budget-tokens", "9")])
def test_an_option_of_asking_is_refused_where_nobody_is_asked(evolverec, gap, words):
    done = init(evolverec, gap, *words)
    assert done.code == 2 and f"{words[0]} cannot be given here" in done.err


def test_dollars_need_a_price_before_anything_is_written(evolverec, gap, endpoint):
    done = init(evolverec, gap, "--llm", "--budget-usd", "1")
    assert done.code == 2 and "needs the price of scripted-1" in done.err
    assert not (gap / "adapter.py").exists()


def test_where_an_endpoint_is_set_a_draft_with_gaps_says_that_it_can_be_asked(evolverec, gap, endpoint):
    assert "--llm asks it to complete the adapter" in init(evolverec, gap).out
    assert endpoint.requests == []


def test_without_consent_nobody_is_asked_and_the_draft_stays(evolverec, gap, endpoint):
    done = init(evolverec, gap, "--llm", "--json")
    assert "you have not consented" in done.document["llm"]["stopped"]
    assert "fill in: " in (gap / "adapter.py").read_text() and endpoint.requests == []


@pytest.mark.process
def test_an_endpoint_that_is_down_leaves_the_draft_and_says_why(evolverec, gap, endpoint, monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    done = init(evolverec, gap, "--llm", "--trust")
    assert done.code == 1
    assert (
        "no LLM completed the adapter, and the draft stays: the LLM endpoint http://127.0.0.1:9/v1"
        in done.out
    )
    assert "fill in: " in (gap / "adapter.py").read_text() and "missing: adapter.py:" in done.out


@pytest.mark.process
def test_an_answer_that_may_not_be_tried_is_left_beside_and_the_draft_stays(evolverec, gap, endpoint):
    endpoint.script = in_turn(answer("I would import the loader."), answer(f"import os\n{FILLED}"))
    drafted = init(evolverec, gap)
    before = (gap / "adapter.py").read_text()
    came = init(evolverec, gap, "--llm", "--trust", "--json", "--rounds", "2").document["llm"]
    assert "no answer passed the checks in 2 rounds" in came["stopped"]
    assert ["is not valid Python" in came["answers"][0], "imports os" in came["answers"][1]] == [True, True]
    assert (gap / "adapter.py").read_text() == before and drafted.code == 1
    assert (gap / came["best"]).read_text().startswith("import os")


@pytest.mark.process
def test_a_budget_that_is_spent_leaves_the_draft(evolverec, gap, endpoint):
    done = init(evolverec, gap, "--llm", "--trust", "--json", "--budget-tokens", "100")
    assert "raise --budget-tokens to go on" in done.document["llm"]["stopped"]
    assert endpoint.requests == [] and "fill in: " in (gap / "adapter.py").read_text()


@pytest.mark.process
def test_what_the_user_has_edited_is_not_sent_and_not_overwritten(evolverec, gap, endpoint):
    init(evolverec, gap)
    adapter = gap / "adapter.py"
    adapter.write_text("# mine\n" + adapter.read_text())
    before = adapter.read_text()
    came = init(evolverec, gap, "--llm", "--trust", "--json").document["llm"]
    assert "you have edited adapter.py" in came["stopped"] and endpoint.requests == []
    assert adapter.read_text() == before


@pytest.mark.training
@pytest.mark.parametrize(
    ("name", "right", "wrong", "error"),
    [
        ("frames", 'model="module"', 'model="modul"', "has no variable modul"),
        ("recbole_custom", '"full_sort_predict"', '"full_sort"', "full_sort"),
    ],
)
def test_a_model_is_corrected_by_the_checks_until_they_pass(
    evolverec, endpoint, tmp_path, name, right, wrong, error
):
    """The finished adapter of a shape, with one mistake at first; the draft of either shape has a gap."""
    repo = shape(name).fresh(tmp_path / name, make("micro").interactions)
    finished = (FINISHED / f"{name}.py").read_text()
    assert right in finished
    endpoint.script = in_turn(answer(finished.replace(right, wrong)), answer(finished))
    log = shape(name).log
    done = init(evolverec, repo, "--llm", "--trust", "--json", data=log)
    came = done.document["llm"]
    assert (came["passed"], len(came["answers"]), came["answers"][1]) == (True, 2, "")
    assert error in came["answers"][0] and error.strip() in endpoint.requests[1].text
    assert (done.code, done.document["missing"], done.document["check"]["ok"]) == (0, [], True)
    text = (repo / "adapter.py").read_text()
    assert "completed by scripted-1" in text and right in text
    again = init(evolverec, repo, "--json", data=log)
    assert (again.document["completed"], again.document["written"]) == (["adapter.py"], [])
    assert (repo / "adapter.py").read_text() == text and len(endpoint.requests) == 2
