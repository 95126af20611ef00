"""Small repos in several styles, patched by recipes and run as modules.

What the fixtures cost: importing torch, seconds, once in a process. No process is started.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import Facts, RecipeContext

REPOS = Path(__file__).parent / "repos"
FACTS = Facts(n_users=20, n_items=80, has_categories=True)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(7)


@pytest.fixture
def text() -> Callable[[str], str]:
    return lambda name: (REPOS / f"{name}.py.txt").read_text(encoding="utf-8")


@pytest.fixture
def cook() -> Callable[..., str]:
    """cook(recipe code, text of a file, facts): the file after the recipe. Raises DoesNotFit."""

    def cooked(code: str, source: str, facts: Facts = FACTS) -> str:
        recipe = next(recipe for recipe in RECIPES if recipe.code == code)
        sources = {"m.py": source}
        draft = recipe.make(RecipeContext(sources=sources, facts=facts))
        assert draft.note
        return apply_edits(sources, draft.edits)["m.py"]

    return cooked


@pytest.fixture
def load() -> Callable[[str], Any]:
    """The names that a text defines when it is run."""

    def loaded(source: str) -> Any:
        names: dict[str, Any] = {"__name__": "m"}
        exec(compile(source, "m.py", "exec"), names)  # noqa: S102
        return SimpleNamespace(**names)

    return loaded
