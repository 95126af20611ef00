"""Recipe: a stronger penalty on the factors, where one number of the code sets it."""

import re
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import parse_all, rewrite
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.settings import named_numbers, written

TIMES = 3.0
NAME = re.compile(r"(^|_)(reg|regs|regularization|regularisation|lambda|lam|lmbda|l2|l2_reg|penalty)(_|$)")


@dataclass(frozen=True, kw_only=True)
class StrongerPenalty:
    """Multiplies the number that the code itself weighs a penalty by; an optimizer's decay is `weight-decay`."""

    code: str = "stronger-penalty"
    title: str = f"Make the penalty {TIMES:.0f} times as strong"
    rationale: str = (
        "Factors of a small log learn its events by heart where little holds them; tuned penalties alone put plain "
        "factorisations level with recent models."
    )
    techniques: tuple[str, ...] = ("strong-baselines",)
    triggers: frozenset[str] = frozenset({*WEAKER, "slice-gap"})
    promise: float = 0.7

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no single positive number is called a penalty."""
        found = [
            (source, literal)
            for source, literal in named_numbers(parse_all(context), _is_penalty)
            if float(literal.evaluated_value) > 0
        ]
        if len(found) != 1:
            raise DoesNotFit("no single number that weighs a penalty was found")
        source, literal = found[0]
        value = TIMES * float(literal.evaluated_value)
        edits = rewrite(source, {literal: [cst.parse_expression(written(value))]})
        return RecipePatch(edits=tuple(edits), note=f"From {literal.value} to {value:.3g}.")


def _is_penalty(name: str) -> bool:
    return NAME.search(name.lower()) is not None
