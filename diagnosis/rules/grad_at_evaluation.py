"""Static rule: evaluation code that keeps gradients."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, is_backward
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="grad-at-evaluation",
    found_by=FoundBy.RULE,
    title="Gradients kept at evaluation",
    why="Without no_grad every score keeps its graph: memory and time are spent for nothing.",
    definition="A function that calls `.eval()` and ranks without `no_grad` or `inference_mode`.",
    roles=(Role.SCORING,),
)

NO_GRAD = {"no_grad", "inference_mode", "set_grad_enabled"}
RANKS = {"topk", "argsort", "sort"}


def grad_at_evaluation(source: ParsedFile) -> Iterator[RuleHit]:
    """A function that calls `.eval()` and then ranks, without `no_grad`, `inference_mode` or `detach`."""
    module_wide = any(_mentions(decorator) for f in source.functions for decorator in f.decorator_list)
    for function in source.functions:
        calls = source.calls_in(function)
        evals = [
            call
            for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr == "eval" and not call.args
        ]
        ranks = any(called_name(call) in RANKS for call in calls)
        freed = any(called_name(call) in NO_GRAD | {"detach"} for call in calls) or module_wide
        if (
            evals
            and ranks
            and not freed
            and not any(map(is_backward, calls))
            and not _called_without_grad(source, function)
        ):
            yield source.hit(
                KIND.code,
                evals[0],
                "evaluates with gradients on: wrap the scoring in torch.no_grad()",
            )


def _mentions(node: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Name | ast.Attribute) and dotted(part).rpartition(".")[2] in NO_GRAD
        for part in ast.walk(node)
    )


def _called_without_grad(source: ParsedFile, function: Function) -> bool:
    """Whether a caller in this file calls the function with gradients switched off."""
    for call in source.calls:
        if called_name(call) == function.name:
            for outer in source.around(call):
                if isinstance(outer, ast.With) and any(_mentions(item.context_expr) for item in outer.items):
                    return True
    return False


RULE = Rule(kind=KIND, run=grad_at_evaluation)
