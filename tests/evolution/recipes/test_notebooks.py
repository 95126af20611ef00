"""Recipes on notebooks: what is read is the code of the cells, what is written is the notebook with its lines changed."""

import json
from pathlib import Path

import pytest

from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.notebook import NotAProgram, as_program, with_program
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext

AUTOENCODER = Path(__file__).parents[2] / "foreign" / "notebook" / "autoencoder.ipynb"
FACTS = Facts(n_users=20, n_items=80)
SHORT = {
    "cells": [
        {"cell_type": "markdown", "source": ["# Notes\n", "x = 1"]},
        {"cell_type": "code", "outputs": [], "source": ["%matplotlib inline\n", 'name = "Käufe"']},
        {"cell_type": "code", "outputs": [], "source": []},
        {"cell_type": "code", "outputs": [], "source": ["if name:\n", "    print(name)"]},
    ],
    "nbformat": 4,
}


def short(indent: int = 1) -> str:
    return json.dumps(SHORT, indent=indent, ensure_ascii=False) + "\n"


def test_each_line_of_code_is_on_its_line_of_the_file() -> None:
    told, program = short().split("\n"), as_program(short()).split("\n")
    assert len(told) == len(program)
    at = program.index('name = "Käufe"')
    assert json.loads(told[at].strip()) == 'name = "Käufe"'
    assert program[at - 1] == "# %matplotlib inline" and "x = 1" not in program


def test_a_program_that_is_not_changed_is_the_same_notebook() -> None:
    text = AUTOENCODER.read_text(encoding="utf-8")
    assert with_program(text, as_program(text)) == text


@pytest.mark.parametrize("indent", [1, 2])
def test_lines_are_added_at_the_end_of_a_cell_and_others_stay(indent: int) -> None:
    text = short(indent)
    after = with_program(
        text, as_program(text).replace("    print(name)", "    name += '!'\n    print(name)\n    done()")
    )
    cells = json.loads(after)["cells"]
    assert "".join(cells[3]["source"]) == "if name:\n    name += '!'\n    print(name)\n    done()"
    assert cells[:3] == SHORT["cells"][:3]


def test_a_change_between_cells_is_refused() -> None:
    text = short()
    with pytest.raises(NotAProgram):
        with_program(text, "import os\n" + as_program(text))


def test_a_notebook_whose_cells_have_no_lines_is_refused() -> None:
    with pytest.raises(NotAProgram):
        as_program(json.dumps({"cells": [{"cell_type": "code", "source": "x = 1\ny = 2"}]}))
    with pytest.raises(NotAProgram):
        as_program("no notebook")


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("faster-learning", "lr=0.009"),
        ("gradient-clipping", "clip_grad_norm_(net.parameters(), max_norm=1.0)"),
        ("warm-up", "warmup.step()"),
    ],
)
def test_a_strangers_notebook_is_changed_in_its_cells(code: str, wanted: str) -> None:
    sources = {"autoencoder.ipynb": AUTOENCODER.read_text(encoding="utf-8")}
    trace = {"optimizers": [{"type": "Adam", "defaults": {"lr": 3e-3, "weight_decay": 1e-5}}]}
    recipe = next(recipe for recipe in RECIPES if recipe.code == code)
    context = RecipeContext(sources=sources, facts=FACTS, trace=trace)
    after = apply_edits(sources, recipe.make(context).edits, editable=("*.ipynb",))["autoencoder.ipynb"]
    program = as_program(after)
    assert wanted in program and wanted not in as_program(sources["autoencoder.ipynb"])
    compile(program, "autoencoder.ipynb", "exec")
    before, now = (len(json.loads(text)["cells"]) for text in (sources["autoencoder.ipynb"], after))
    assert before == now


def test_a_notebook_without_what_a_recipe_needs_is_left_alone() -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.code == "warm-up")
    with pytest.raises(DoesNotFit):
        recipe.make(RecipeContext(sources={"a.ipynb": short()}, facts=FACTS))
