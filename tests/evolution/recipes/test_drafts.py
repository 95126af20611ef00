"""Which recipes answer to what was said of a trial, and what they make of the seed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnosis.findings import Finding, Role, Site
from evolution.domain.edits import apply_edits, unified_diff
from evolution.proposers.drafting import draft_all
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from simulator.critiques import Critique, Fidelity
from tests.findings import make_finding

SEED = Path(__file__).parents[3] / "seeds" / "repos" / "sasrec"
GOLDEN = Path(__file__).parent / "golden"
FACTS = Facts(n_users=1500, n_items=1000, has_categories=True)


def finding(code: str) -> Finding:
    return make_finding(code, id=f"f-{code}")


def critique(code: str, *, positive: bool) -> Critique:
    fidelity = Fidelity(auc=0.7, low=0.6, high=0.8, users=20)
    return Critique(
        id=f"c-{code}", code=code, positive=positive, signal="", message="", count=5, users=20, share=0.25,
        low=0.1, high=0.4, quotes=(), fidelity=fidelity,
    )  # fmt: skip


def seed_sources() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in SEED.glob("*.py")}


def test_only_what_was_said_triggers_a_recipe():
    said = RecipeContext(sources=seed_sources(), facts=FACTS, findings=[finding("overconfidence")])
    made, did_not_fit = draft_all(said)
    softer = {"full-softmax", "gbce", "sampled-softmax", "more-negatives", "item-dropout"}
    assert {idea.code for idea, _ in made} == softer
    assert not did_not_fit
    assert all(idea.addresses == ("f-overconfidence",) and idea.rests_on for idea, _ in made)


def test_nothing_said_nothing_proposed():
    assert draft_all(RecipeContext(sources=seed_sources(), facts=FACTS)) == ([], [])


def test_praise_triggers_nothing_and_complaints_do():
    praise, complaint = (
        RecipeContext(
            sources=seed_sources(),
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
    made, did_not_fit = draft_all(RecipeContext(sources=seed_sources(), facts=FACTS, findings=said))
    assert made[0][0].code == "full-softmax"
    assert {"shuffling", "functional-dropout", "embedding-decay"} <= {code for code, _ in did_not_fit}
    assert all(reason and "\n" not in reason for _, reason in did_not_fit)


def test_every_recipe_has_a_trigger_and_a_source():
    assert len({recipe.code for recipe in RECIPES}) == len(RECIPES) >= 8
    assert all(recipe.triggers and recipe.techniques and 0 < recipe.promise <= 1 for recipe in RECIPES)


def test_the_loss_at_the_site_is_taken_where_a_repo_has_two(text: Callable[[str], str]):
    sources = {"a.py": text("concatenated"), "b.py": text("einsum_softplus")}
    line = next(i for i, code in enumerate(sources["b.py"].splitlines(), 1) if "per_position * w" in code)
    site = Site(role=Role.LOSS, path="b.py", start_line=line, end_line=line)
    recipe = RECIPES[0]
    assert {e.path for e in recipe.make(RecipeContext(sources=sources, facts=FACTS)).edits} == {"a.py"}
    at_site = recipe.make(RecipeContext(sources=sources, facts=FACTS, sites=[site]))
    assert {edit.path for edit in at_site.edits} == {"b.py"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.code)
def test_the_seeds_patches_read_as_agreed(recipe):
    """Golden files: a diff that changes is read by a person and then written anew."""
    sources = seed_sources()
    try:
        after = apply_edits(sources, recipe.make(RecipeContext(sources=sources, facts=FACTS)).edits)
        found = unified_diff(sources, after)
    except DoesNotFit as error:
        found = f"does not fit: {error}\n"
    golden = GOLDEN / f"{recipe.code}.diff"
    assert found == golden.read_text(encoding="utf-8")


def test_the_foreign_script_gets_the_same_change_through_its_own_forward():
    script = Path(__file__).parents[2] / "foreign" / "sasrec_script"
    sources = {path.name: path.read_text(encoding="utf-8") for path in script.glob("*.py")}
    softmax = next(recipe for recipe in RECIPES if recipe.code == "full-softmax")
    after = apply_edits(sources, softmax.make(RecipeContext(sources=sources, facts=FACTS)).edits)["main.py"]
    assert "states = model.encode(seq)[idx]" in after
    assert "wanted = torch.as_tensor(pos, device=model.dev)[idx]" in after
    assert "BCEWithLogitsLoss" not in after
    category = next(recipe for recipe in RECIPES if recipe.code == "category-embedding")
    after = apply_edits(sources, category.make(RecipeContext(sources=sources, facts=FACTS)).edits)[
        "adapter.py"
    ]
    assert 'self.net.emb = CategoryAwareEmbedding(self.net.emb, data.item_columns["categories"])' in after


def test_every_trigger_is_the_code_of_a_finding_or_of_a_complaint():
    from evolution.literature.library import known_codes

    unknown = {code for recipe in RECIPES for code in recipe.triggers} - known_codes()
    assert not unknown
