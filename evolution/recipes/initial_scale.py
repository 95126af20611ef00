"""Recipe: a small initial scale for the item table."""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import call_name, dotted, parse_all, rewrite, statements, torch_name
from evolution.recipes.item_table import find_item_table
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch

SCALE = 0.02


@dataclass(frozen=True, kw_only=True)
class InitialScale:
    """Scales the item table down right after it is created."""

    code: str = "initial-scale"
    title: str = f"Start item embeddings at a standard deviation of {SCALE}"
    rationale: str = (
        "PyTorch draws embeddings from N(0, 1), so first scores are as large as sqrt(d): the loss starts saturated, and "
        "rare items keep their random vectors for long."
    )
    techniques: tuple[str, ...] = ("initial-scale",)
    triggers: frozenset[str] = frozenset(
        {
            "embedding-collapse",
            "untrained-rows",
            "not-learning",
            "not-converged",
            "ranking-margin",
            *WEAKER,
        }
    )
    promise: float = 0.55

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the code initialises weights itself, or if no statement that creates the item table is
        found.
        """
        for source in parse_all(context):
            for call in filter(source.ran, source.all_of(cst.Call)):
                name = call_name(call)
                if name.rstrip("_") in (
                    "xavier_normal",
                    "xavier_uniform",
                    "trunc_normal",
                    "kaiming_normal",
                ) or (name in ("normal_", "uniform_")):
                    raise DoesNotFit(
                        f"{source.path}:{source.line(call)} sets initial weights itself, with `{dotted(call.func) or name}`"
                    )
        table = find_item_table(context)
        padding = "; padding stays 0" if "padding_idx" in table.source.code(table.call) else ""
        new = statements(
            [
                f"# N(0, 1), torch's default, makes first scores as large as sqrt(d): start small{padding}",
                f"with {torch_name(table.source)}.no_grad():",
                f"    {table.target}.weight.mul_({SCALE})",
            ]
        )
        edits = rewrite(table.source, {table.statement: [table.statement, *new]})
        return RecipePatch(edits=tuple(edits), note="Only the item table is scaled.")
