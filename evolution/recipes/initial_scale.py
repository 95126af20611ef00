"""Recipe: a small initial scale for the item table."""

from dataclasses import dataclass

import libcst as cst

from evolution.base.amounts import number
from evolution.recipes.code import (
    RecipeFile,
    call_name,
    dotted,
    last_name,
    loaded_names,
    parse_all,
    rewrite,
    statements,
    torch_name,
)
from evolution.recipes.item_table import ItemTable, find_item_table
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch

SCALE = 0.02
INITIALISERS = ("xavier_normal", "xavier_uniform", "trunc_normal", "kaiming_normal")


@dataclass(frozen=True, kw_only=True)
class InitialScale:
    """Scales the item table down right after it is created."""

    code: str = "initial-scale"
    title: str = f"Start item embeddings at a standard deviation of {number(SCALE)}"
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
        """Raises DoesNotFit if the code may set the table's initial weights itself, or if no statement that creates the item table is
        found.
        """
        table = find_item_table(context)
        for source in parse_all(context):
            for call in filter(source.ran, source.all_of(cst.Call)):
                if _initialises(call) and _may_reach(source, call, table):
                    name = dotted(call.func) or call_name(call)
                    raise DoesNotFit(f"{source.place(call)} sets initial weights itself, with `{name}`")
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


def _initialises(call: cst.Call) -> bool:
    name = call_name(call)
    return name.rstrip("_") in INITIALISERS or name in ("normal_", "uniform_")


def _may_reach(source: RecipeFile, call: cst.Call, table: ItemTable) -> bool:
    """Whether an initialiser may be given the item table: by its name, or by one that stands for several parts of a model.

    Not what only layers of another kind get, behind `isinstance(module, nn.Linear)`.
    """
    given = call.args[0].value if call.args else call.func
    names = {last_name(node) for node in source.all_of(cst.Attribute, given)} | loaded_names(given)
    if table.target.rpartition(".")[2] in names:
        return True
    if dotted(given).startswith("self."):  # another part of the model
        return False
    tests = [
        source.code(above.test)
        for above in source.ancestors(call)
        if isinstance(above, cst.If) and "isinstance" in source.code(above.test)
    ]
    return not tests or any("Embedding" in test for test in tests)
