"""Recipe: label smoothing, where a cross-entropy over items gives all to the one that came next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import Block, RecipeFile, argument, call_name, last_name, parse_all, rewrite
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.repairs.repair import with_argument

SHARE, SHARE_OF_MANY = "0.1", "0.01"  # of a large catalogue a tenth would pull up items that nobody wants
MANY_ITEMS = 2_000
FUNCTION, MAKER = "cross_entropy", "CrossEntropyLoss"


@dataclass(frozen=True, kw_only=True)
class LabelSmoothing:
    """Gives a small share of the target's probability to all other items."""

    code: str = "label-smoothing"
    title: str = "Smooth the labels of the cross-entropy"
    rationale: str = (
        "A cross-entropy that wants all of the probability for one item drives scores apart without end, and learns a "
        "small log by heart; a share for the others bounds them."
    )
    techniques: tuple[str, ...] = ("label-smoothing",)
    triggers: frozenset[str] = frozenset({"overconfidence", "embedding-collapse", "slice-gap", *WEAKER})
    promise: float = 0.6

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no single cross-entropy trains, or if its scores are masked, whose loss would have no bound."""
        sources = parse_all(context)
        found = list(_trained(sources))
        if len({call for _, call, *_ in found}) != 1:
            several = "several cross-entropies train" if found else "no cross-entropy that trains was found"
            raise DoesNotFit(several)
        source, call = found[0][:2]
        if argument(call, "label_smoothing") is not None:
            raise DoesNotFit("the labels are smoothed already")
        for _, _, user, asked in found:
            if masked := _masked(user, asked):
                raise DoesNotFit(f"`{masked}` are masked, and a share for what is masked has no finite loss")
        share = SHARE if context.facts.n_items <= MANY_ITEMS else SHARE_OF_MANY
        edits = rewrite(source, {call: [with_argument(call, "label_smoothing", share)]})
        return RecipePatch(edits=tuple(edits), note=f"{float(share):.0%} for all other items together.")


Asked = tuple[RecipeFile, cst.Call, RecipeFile, cst.Call]  # the call to change, and the one that gives scores


def _trained(sources: Sequence[RecipeFile]) -> Iterator[Asked]:
    """Each cross-entropy that ran in training: the function itself, or the module that was made and called."""
    made = {
        last_name(target.target): (source, part.value)
        for source in sources
        for part in source.all_of(cst.Assign)
        for target in part.targets
        if isinstance(part.value, cst.Call) and call_name(part.value) == MAKER and source.ran(part)
    }
    for source in sources:
        for call in source.all_of(cst.Call):
            name = call_name(call)
            if not call.args or not source.trains(call):
                continue
            if name == FUNCTION:
                yield source, call, source, call
            elif name in made:
                owner, maker = made[name]
                yield owner, maker, source, call


def _masked(source: RecipeFile, call: cst.Call) -> str:
    """The name of the scores where the same block sets some of them to a number; "" where it does not."""
    scores, block = call.args[0].value, source.block(call)
    name = last_name(scores) or next((last_name(n) for n in source.all_of(cst.Name, scores)), "")
    return name if name in _set_in(source, block) else ""


def _set_in(source: RecipeFile, block: Block) -> set[str]:
    """Names that a block masks: `x.masked_fill(...)`, and `x[...] = -inf`."""
    found = {
        last_name(call.func.value)
        for call in source.all_of(cst.Call, block)
        if call_name(call) in ("masked_fill", "masked_fill_") and isinstance(call.func, cst.Attribute)
    }
    for part in source.all_of(cst.Assign, block):
        for target in part.targets:
            if isinstance(target.target, cst.Subscript):
                found.add(last_name(target.target.value))
            elif isinstance(part.value, cst.Call) and call_name(part.value) in ("where", "masked_fill"):
                found.add(last_name(target.target))
    return found
