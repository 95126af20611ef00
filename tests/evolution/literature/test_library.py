"""The library is whole: every entry complete and cited once, every failure answered, and what is looked for is found."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from diagnosis.catalogue import CATALOGUE
from diagnosis.findings import Nature
from evolution.literature.library import Library, builtin_library, known_codes, meaning
from evolution.literature.technique import ShelfError, Technique, problems_of, read_shelf, read_shelves
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.repairs.catalogue import REPAIRS
from simulator.messages import MESSAGES

TECHNIQUES = read_shelves()
# Wrong code is mended on its line. What a technique of the field could mend is an outcome, or a weak choice. Two figures
# of one model that disagree are neither.
# What is wrong with code is mended in the code; the literature has no answer to it.
ADVICE_ON_CODE = {
    "embeddings-as-scored",
    "evaluates-one-by-one",
    "loss-read-at-every-step",
    "metric-averaged-over-batches",
    "negatives-not-rejected",
    "row-already-moved",
    "seen-never-asked",
    "unused-parameter",
    "ties-broken-by-item",
}
WRONG_CODE = (
    {code for code, kind in CATALOGUE.items() if kind.nature is Nature.CAUSE}
    | {"figures-disagree", "probe-fault"}
    | ADVICE_ON_CODE
)
PRAISE = {code for code in MESSAGES if code.startswith("liked-")}


def test_the_library_is_large_enough():
    assert len(TECHNIQUES) >= 65


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda technique: technique.id)
def test_every_entry_is_complete_and_its_codes_are_ours(technique: Technique):
    assert problems_of(technique) == []
    assert set(technique.answers) <= known_codes() - PRAISE
    assert 1990 <= technique.year <= 2026
    assert 40 <= len(technique.mechanism) <= 500
    assert len(technique.hurts) <= 300
    assert all(len(line) <= 90 for line in technique.sketch.splitlines())
    assert "id" in technique.checked or "DOI" in technique.checked


def test_no_paper_stands_twice():
    for of in (lambda t: t.identifier, lambda t: t.title.casefold()):
        assert [key for key, number in Counter(map(of, TECHNIQUES)).items() if number > 1] == []


def test_every_failure_is_answered_by_two_techniques_at_least():
    answered = Counter(code for technique in TECHNIQUES for code in technique.answers)
    codes = known_codes() - PRAISE - WRONG_CODE
    assert {code for code in codes if answered[code] < 2} == set()


def test_every_recipe_has_its_source_and_answers_something_that_calls_for_it():
    for recipe in RECIPES:
        if recipe in REPAIRS:
            continue  # a repair rests on what is broken, and on no paper
        sources = [builtin_library().technique(name) for name in recipe.techniques]
        assert sources and all(sources), recipe.code
        assert any(set(source.answers) & recipe.triggers for source in sources), recipe.code
        assert all(builtin_library().recipes[name] == recipe.code for name in recipe.techniques)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("the probabilities are too confident", {"gbce", "label-smoothing"}),
        ("recommendations ignore what users pay: price levels", {"price-graph", "price-sessions"}),
        ("everybody is shown the same bestsellers, popularity bias", {"pda", "dice", "macr", "niser"}),
        ("embeddings collapse into a few dimensions", {"vicreg", "barlow-twins", "dimensional-collapse"}),
        ("cold items without interactions", {"clcrec", "meta-embedding", "content-initialisation"}),
        ("re-rank the list for diversity", {"mmr", "fast-dpp", "calibrated-lists"}),
        ("warm up of the learning rate", {"pre-norm-warmup", "rectified-adam"}),
        ("padding must not be attended to", {"attention-mask"}),
        ("sampled softmax correction logQ of in-batch negatives", {"logq-correction", "logq-positive"}),
        ("model selected on the test set, data leakage", {"leakage-taxonomy", "future-leak"}),
        ("time intervals between events in self-attention", {"tisasrec"}),
        ("several interests of one user", {"mind-interests", "comirec"}),
        ("LightGCN", {"lightgcn"}),
    ],
)
def test_a_natural_question_finds_its_technique_among_the_first_five(query: str, wanted: set[str]):
    first = {technique.id for technique, _ in builtin_library().find(query, 5)}
    assert first & wanted, first


def test_words_that_the_library_does_not_know_find_nothing():
    assert builtin_library().find("zzzz qqqq", 5) == []
    assert builtin_library().find("the of", 5) == []
    assert builtin_library().find("", 5) == []


def test_codes_are_answered_best_first():
    first = builtin_library().for_codes(["missed-price", "overused-price"])
    assert [technique.id for technique in first[:2]] == ["price-graph", "price-sessions"]
    assert builtin_library().for_codes(["overconfidence"])[0].answers[0] == "overconfidence"
    assert builtin_library().for_codes(["no-such-code"]) == []
    assert builtin_library().for_codes([]) == []


def test_the_order_of_the_shelves_does_not_matter():
    backwards = Library(tuple(reversed(TECHNIQUES)))
    for query in ("popularity", "order of events", "loss"):
        assert [t.id for t, _ in backwards.find(query, 20)] == [
            t.id for t, _ in builtin_library().find(query, 20)
        ]
    codes = ["popularity-bias", "missed-category"]
    assert [t.id for t in backwards.for_codes(codes)] == [t.id for t in builtin_library().for_codes(codes)]


def test_every_known_code_has_a_meaning_and_others_none():
    assert all(meaning(code) for code in known_codes())
    assert meaning("an-evolved-probe") == ""


def test_searching_says_nothing_on_stdout_and_stderr():
    script = "from evolution.literature.library import builtin_library as b; assert b().find('loss', 3)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


ENTRY = """
[a-technique]
name = "A"
title = "A Paper"
year = 2020
arxiv = "2001.00001"
answers = ["overconfidence"]
mechanism = "Does."
hurts = "Never."
sketch = "x = 1"
checked = "title and id"
"""


def shelf(folder: Path, text: str) -> Path:
    path = folder / "shelf.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('hurts = "Never."\n', "", r"shelf.toml: \[a-technique\] lacks hurts"),
        ('hurts = "Never."', 'hurts = ""', r"\[a-technique\] has an empty hurts"),
        ("year = 2020", 'year = "2020"', r"\[a-technique\]: year is '2020'; expected a int"),
        ("year = 2020", "year = 2021", "says 2021, but 2001.00001 was there earlier"),
        ('"2001.00001"', '"2001.1"', "has the arXiv id '2001.1'"),
        ('arxiv = "2001.00001"', "", "needs an arXiv id or a DOI"),
        ("hurts", "harms", r"\[a-technique\] lacks hurts"),
        ('name = "A"', 'name = "A"\ncolour = "red"', "unknown key 'colour'"),
        ("[a-technique]", "[A_Technique]", "no kebab-case id"),
        ('"x = 1"', '"""' + "x\n" * 13 + '"""', "sketch of more than 12 lines"),
        ("[a-technique]", "[a-technique", "shelf.toml: "),
        ('["overconfidence"]', '["overconfidence", "overconfidence"]', "names a code twice"),
    ],
)
def test_a_wrong_entry_is_named(old: str, new: str, said: str, tmp_path: Path):
    with pytest.raises(ShelfError, match=said):
        read_shelf(shelf(tmp_path, ENTRY.replace(old, new)))


def test_a_technique_on_two_shelves_is_named(tmp_path: Path):
    shelf(tmp_path, ENTRY)
    (tmp_path / "other.toml").write_text(ENTRY, encoding="utf-8")
    with pytest.raises(ShelfError, match="a-technique stands on shelf other too"):
        read_shelves(tmp_path)
