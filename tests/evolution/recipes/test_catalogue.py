"""What the recipes make of the seed, and where each comes from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnosis.findings import Role, Site
from diagnosis.rules.check import RULES
from evolution.domain.edits import apply_edits
from evolution.domain.unified_diffs import unified_diff
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from evolution.recipes.repairs.catalogue import REPAIRS
from tests.conftest import ROOT
from tests.evolution.seed import sasrec_sources

GOLDEN = Path(__file__).parent / "golden"
IMPROVEMENTS = [recipe for recipe in RECIPES if recipe not in REPAIRS]
FACTS = Facts(n_users=1500, n_items=1000, has_categories=True)


def test_every_recipe_has_a_trigger_and_a_source():
    assert len({recipe.code for recipe in RECIPES}) == len(RECIPES) >= 8
    assert all(recipe.triggers and 0 < recipe.promise <= 1 for recipe in RECIPES)
    assert all(
        recipe.techniques for recipe in IMPROVEMENTS
    )  # a repair rests on what is broken, and on no paper


def test_the_loss_at_the_site_is_taken_where_a_repo_has_two(text: Callable[[str], str]):
    sources = {"a.py": text("concatenated"), "b.py": text("einsum_softplus")}
    line = next(i for i, code in enumerate(sources["b.py"].splitlines(), 1) if "per_position * w" in code)
    site = Site(role=Role.LOSS, path="b.py", start_line=line, end_line=line)
    recipe = next(recipe for recipe in RECIPES if recipe.code == "full-softmax")
    assert {e.path for e in recipe.make(RecipeContext(sources=sources, facts=FACTS)).edits} == {"a.py"}
    at_site = recipe.make(RecipeContext(sources=sources, facts=FACTS, sites=[site]))
    assert {edit.path for edit in at_site.edits} == {"b.py"}


@pytest.mark.parametrize("recipe", IMPROVEMENTS, ids=lambda recipe: recipe.code)
def test_the_seeds_patches_read_as_agreed(recipe):
    """Golden files: a diff that changes is read by a person and then written anew."""
    sources = sasrec_sources()
    try:
        after = apply_edits(sources, recipe.make(RecipeContext(sources=sources, facts=FACTS)).edits)
        found = unified_diff(sources, after)
    except DoesNotFit as error:
        found = f"does not fit: {error}\n"
    golden = GOLDEN / f"{recipe.code}.diff"
    assert found == golden.read_text(encoding="utf-8")


def test_the_foreign_script_gets_the_same_change_through_its_own_forward():
    script = ROOT / "tests" / "foreign" / "sasrec_script"
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


def test_what_changes_no_figure_mends_what_rules_find():
    """Nothing else can be judged where a training ends with its first epochs."""
    by_rules = {kind.code for rule in RULES for kind in rule.kinds}
    unfelt = [repair for repair in REPAIRS if repair.leaves_figures]
    assert unfelt and all(repair.triggers <= by_rules for repair in unfelt)
