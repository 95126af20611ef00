"""Static rule: a model that is chosen by its test metric."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="selected-on-test",
    found_by=FoundBy.RULE,
    title="Model selected on test",
    why="Keeping the epoch that is best on test makes the test figure a training figure.",
    definition="A test metric in the condition under which the model is saved.",
    roles=(Role.ENTRY,),
)

SAVES = {"save", "save_checkpoint", "deepcopy"}


def selected_on_test(source: ParsedFile) -> Iterator[RuleHit]:
    """Conditions such as `if test_ndcg > best: torch.save(...)`: they compare a name with the word "test", and save."""
    for node in source.within(source.nodes[0], ast.If):
        saves = any(called_name(call) in SAVES for call in source.calls_in(*node.body))
        compared = any(
            isinstance(op, ast.Gt | ast.GtE | ast.Lt | ast.LtE)
            for part in source.within(node.test, ast.Compare)
            for op in part.ops
        )
        if saves and compared and any(_is_test(name) for name in _words(node.test)):
            yield source.hit(
                KIND.code,
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


RULE = Rule(kind=KIND, run=selected_on_test)
