"""Recipe: functional dropout that is switched off when the model is not training."""

from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

from evolution.domain.edits import Edit
from evolution.recipes.code import RecipeFile, argument, call_name, dotted, imported, parse_all, rewrite
from evolution.recipes.flow import parameters
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch


@dataclass(frozen=True, kw_only=True)
class FunctionalDropout:
    """Passes `training=self.training` to functional dropout inside methods, and the like to attention's `dropout_p`."""

    code: str = "functional-dropout"
    title: str = "Functional dropout off at evaluation"
    rationale: str = (
        "F.dropout drops unless it is told not to, so scores are noisy and differ from one call to the next; a module's "
        "own `training` flag tells it."
    )
    techniques: tuple[str, ...] = ("dropout",)
    triggers: frozenset[str] = frozenset({"functional-dropout"})
    promise: float = 0.95

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no functional dropout in a method lacks the flag."""
        edits: list[Edit] = []
        for source in parse_all(context):
            fixed = [(call, _fixed(call, source)) for call in source.all_of(cst.Call) if source.ran(call)]
            changes: dict[cst.CSTNode, list[cst.CSTNode]] = {
                call: [new] for call, new in fixed if new is not None
            }
            edits += rewrite(source, changes) if changes else []
        if not edits:
            raise DoesNotFit("no functional dropout in a module's method lacks its `training` flag")
        return RecipePatch(edits=tuple(edits), note="Training is as it was; scoring is now deterministic.")


def _fixed(call: cst.Call, source: RecipeFile) -> cst.Call | None:
    if not _in_method(call, source):
        return None
    name = call_name(call)
    if name == "scaled_dot_product_attention":
        return _attention(call, source)
    if "dropout" not in name or not _is_functional(call, source):
        return None
    flag = argument(call, "training", 2)
    if flag is None:
        return call.with_changes(args=_with_flag(call))
    if source.code(flag) != "True":
        return None
    return call.with_changes(
        args=[
            arg.with_changes(value=cst.parse_expression("self.training")) if arg.value is flag else arg
            for arg in call.args
        ]
    )


def _attention(call: cst.Call, source: RecipeFile) -> cst.Call | None:
    rate = argument(call, "dropout_p", 4)
    if (
        rate is None
        or not isinstance(rate, (cst.Name, cst.Attribute, cst.Float))
        or source.code(rate) in ("0.0", "0")
    ):
        return None
    if isinstance(rate, cst.Name):
        return None  # a local value, which may depend on `training` already
    value = cst.parse_expression(f"{source.code(rate)} if self.training else 0.0")
    return call.with_changes(
        args=[arg.with_changes(value=value) if arg.value is rate else arg for arg in call.args]
    )


def _with_flag(call: cst.Call) -> list[cst.Arg]:
    flag = cst.Arg(
        keyword=cst.Name("training"),
        value=cst.parse_expression("self.training"),
        equal=cst.AssignEqual(
            whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
        ),
    )
    return [*call.args, flag]


def _is_functional(call: cst.Call, source: RecipeFile) -> bool:
    known: Mapping[str, str] = imported(source)
    name = dotted(call.func)
    head, _, last = name.rpartition(".")
    modules = {local for full, local in known.items() if full == "torch.nn.functional"} | {
        "torch.nn.functional",
        "nn.functional",
    }
    return head in modules or known.get(f"torch.nn.functional.{last}") == name


def _in_method(call: cst.Call, source: RecipeFile) -> bool:
    function = source.enclosing(call, cst.FunctionDef)
    return (
        function is not None
        and source.enclosing(function, cst.ClassDef) is not None
        and parameters(function)[:1] == ["self"]
    )
