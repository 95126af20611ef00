"""Which recipes answer to what was said of a trial."""

from diagnosis.findings import Finding
from evolution.proposers.drafting import draft_all, without
from evolution.recipes.recipe import Facts, RecipeContext
from simulator.critiques import Critique, Fidelity
from tests.evolution.seed import sasrec_sources
from tests.findings import make_finding

FACTS = Facts(n_users=1500, n_items=1000, has_categories=True)


def finding(code: str) -> Finding:
    return make_finding(code, id=f"f-{code}")


def critique(code: str, *, positive: bool) -> Critique:
    fidelity = Fidelity(auc=0.7, low=0.6, high=0.8, users=20)
    return Critique(
        id=f"c-{code}", code=code, positive=positive, signal="", message="", count=5, users=20, share=0.25,
        low=0.1, high=0.4, quotes=(), fidelity=fidelity,
    )  # fmt: skip


def test_only_what_was_said_triggers_a_recipe():
    said = RecipeContext(sources=sasrec_sources(), facts=FACTS, findings=[finding("overconfidence")])
    made, did_not_fit = draft_all(said)
    softer = {"full-softmax", "gbce", "sampled-softmax", "more-negatives", "item-dropout"}
    assert {idea.code for idea, _ in made} == softer
    assert {code for code, _ in did_not_fit} == {"label-smoothing"}
    assert all(idea.addresses == ("f-overconfidence",) and idea.rests_on for idea, _ in made)


def test_nothing_said_nothing_proposed():
    assert draft_all(RecipeContext(sources=sasrec_sources(), facts=FACTS)) == ([], [])


def test_praise_triggers_nothing_and_complaints_do():
    praise, complaint = (
        RecipeContext(
            sources=sasrec_sources(),
            facts=FACTS,
            critiques=[critique("overused-popularity", positive=positive)],
        )
        for positive in (True, False)
    )
    assert draft_all(praise) == ([], [])
    made, _ = draft_all(complaint)
    assert "mixed-negatives" in {idea.code for idea, _ in made}


def test_the_most_promising_comes_first_and_those_that_do_not_fit_say_why():
    said = [finding("embedding-collapse"), finding("no-shuffle"), finding("functional-dropout")]
    made, did_not_fit = draft_all(RecipeContext(sources=sasrec_sources(), facts=FACTS, findings=said))
    assert made[0][0].code == "full-softmax"
    assert {"shuffling", "functional-dropout", "embedding-decay"} <= {code for code, _ in did_not_fit}
    assert all(reason and "\n" not in reason for _, reason in did_not_fit)


def test_what_the_team_accepts_calls_for_no_patch_and_the_recipes_that_only_it_called_for_are_told():
    said = RecipeContext(
        sources=sasrec_sources(), facts=FACTS, findings=[finding("overconfidence"), finding("embedding-collapse")],
        critiques=[critique("overused-popularity", positive=False)],
    )  # fmt: skip
    kept, left = without(said, frozenset({"f-overconfidence", "c-overused-popularity"}))
    assert [one.code for one in kept.findings] == ["embedding-collapse"] and not kept.critiques
    made, did_not_fit = draft_all(kept)
    called = {idea.code for idea, _ in made} | {code for code, _ in did_not_fit}
    assert "full-softmax" in called, "another finding calls for it"
    assert {"gbce", "mixed-negatives"} <= dict(left).keys() and called.isdisjoint(dict(left))
    assert all("accepted in evolverec.baseline.toml" in reason for _, reason in left)
    assert without(said, frozenset()) == (said, [])
