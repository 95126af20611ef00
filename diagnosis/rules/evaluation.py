"""Evaluation that keeps gradients, and models chosen by their test figure."""

import ast
from collections.abc import Iterator

from diagnosis.rules.hits import RuleHit
from diagnosis.rules.source import Function, Source, is_backward
from diagnosis.syntax import called_name, dotted

NO_GRAD = {"no_grad", "inference_mode", "set_grad_enabled"}
RANKS = {"topk", "argsort", "sort"}
SAVES = {"save", "save_checkpoint", "deepcopy"}


def grad_at_evaluation(source: Source) -> Iterator[RuleHit]:
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
                "grad-at-evaluation",
                evals[0],
                "evaluates with gradients on: wrap the scoring in torch.no_grad()",
            )


def _mentions(node: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Name | ast.Attribute) and dotted(part).rpartition(".")[2] in NO_GRAD
        for part in ast.walk(node)
    )


def _called_without_grad(source: Source, function: Function) -> bool:
    """Some caller in this file has switched gradients off already."""
    for call in source.calls:
        if called_name(call) == function.name:
            for outer in source.around(call):
                if isinstance(outer, ast.With) and any(_mentions(item.context_expr) for item in outer.items):
                    return True
    return False


def selected_on_test(source: Source) -> Iterator[RuleHit]:
    """`if test_ndcg > best: torch.save(...)`: a name with "test" as a word, compared, and a save in the branch."""
    for node in source.within(source.nodes[0], ast.If):
        saves = any(called_name(call) in SAVES for call in source.calls_in(*node.body))
        compared = any(
            isinstance(op, ast.Gt | ast.GtE | ast.Lt | ast.LtE)
            for part in source.within(node.test, ast.Compare)
            for op in part.ops
        )
        if saves and compared and any(_is_test(name) for name in _words(node.test)):
            yield source.hit(
                "selected-on-test",
                node,
                "keeps the model that is best on test: choose by validation, read test once",
            )


def _words(test: ast.expr) -> Iterator[str]:
    for part in ast.walk(test):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _is_test(name: str) -> bool:
    return "test" in name.lower().replace("/", "_").replace("-", "_").split("_")
