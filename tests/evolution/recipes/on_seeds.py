"""Tries recipes on the seed repos as they are: whether one fits, and whether what it makes imports, trains and answers."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from diagnosis.roles import find_sites
from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from evolution.recipes.repairs.catalogue import REPAIRS
from evolution.worker.guest.tracing import trace_smoke
from evolution.worker.guest.training_data import Columns
from seeds.interactions import Interactions
from seeds.new import TEMPLATES
from tests.imported import forgetting

# A repair mends a cause, and an untouched seed has none: what is tried are the recipes that improve.
TRIED = tuple(recipe for recipe in RECIPES if recipe not in REPAIRS)
FITS = "fits: "


@contextmanager
def entry(folder: Path) -> Iterator[Callable[..., Any]]:
    """`build` of the repo in a folder, imported as a worker does; forgotten on leaving."""
    before = list(sys.path)
    with forgetting(folder):
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            yield importlib.import_module("recommender").build
        finally:
            sys.path[:] = before


def handed(training: Interactions) -> Any:
    """Training events as a worker hands them to `build`."""
    columns = training.item_columns
    known = {one.name: getattr(columns, one.name) for one in fields(columns) if one.name != "other"}
    names = ("users", "items", "timestamps", "ratings", "offsets", "n_users", "n_items")
    return SimpleNamespace(
        **{name: getattr(training, name) for name in names}, item_columns=Columns({**known, **columns.other})
    )


def context_of(seed: str, training: Interactions) -> RecipeContext:
    """What recipes are told of an untouched seed after two steps of training."""
    folder = TEMPLATES / seed
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    data = handed(training)
    with entry(folder) as build:
        asked = (np.array([1, 2]), np.full((2, 7), 5))
        trace = trace_smoke(
            lambda: build(data, device="cpu", seed=0), root=str(folder), seconds=60.0, score_batch=asked
        )
    assert not trace["error"], trace["error"]
    return RecipeContext(
        sources=sources,
        facts=Facts(n_users=training.n_users, n_items=training.n_items, has_categories=True),
        sites=find_sites(trace, sources, training.n_items),
        trace=trace,
    )


def tried(context: RecipeContext, scratch: Path, training: Interactions) -> dict[str, str]:
    """Recipe -> "fits: NOTE" or why it does not. Raises whatever a patched repo raises in one epoch and one answer."""
    found = {}
    for recipe in TRIED:
        try:
            patch = recipe.make(context)
        except DoesNotFit as error:
            found[recipe.code] = str(error)
            continue
        folder = scratch / recipe.code
        folder.mkdir()
        for path, text in apply_edits(dict(context.sources), patch.edits).items():
            (folder / path).write_text(text, encoding="utf-8")
        _train_once(folder, training)
        found[recipe.code] = FITS + patch.note
    return found


def _train_once(folder: Path, training: Interactions) -> None:
    with entry(folder) as build:
        model = build(handed(training), device="cpu", seed=0)
        reported = next(iter(model.fit()))
        assert all(np.isfinite(value) for value in reported.values()), (folder.name, reported)
        scores = np.asarray(model.score(np.array([1, 2]), np.array([[0, 3, 4], [5, 6, 7]])))
        assert scores.shape == (2, training.n_items + 1) and np.isfinite(scores).all(), folder.name
