"""Static rule: answers compare with an item's own row, where training has compared with what a method makes of it."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.definitions import Defined, returns
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.reach import contract, reached
from diagnosis.rules.repeated import repeated, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="part-of-table-served",
    found_by=FoundBy.RULE,
    title="Answers compare with a part of the items' vectors",
    why="Users were trained to lie near item vectors that have more parts; what these say of the items is missing from answers.",
    definition="A method adds something to the weight of a table, training calls it, and what `score` runs multiplies with the weight alone.",
    roles=(Role.SCORING,),
    explains=("scores-differ-from-training", *WEAK),
)


def part_of_table_served(source: ParsedFile) -> Iterator[RuleHit]:
    """`hidden @ self.item.weight.T` in what `score` runs, beside `table()`, which returns `self.item.weight + self.category(...)`."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    served = _served(repo)
    for method, weight in _tables(repo):
        name = getattr(method.node, "name", "")
        calls = [(m.file, m.call) for m in repo.calls(name)]
        owners = {file.function_of(call) for file, call in calls}
        kind = repo.class_around(method.file, method.node)
        if (
            not owners & (trains(repo).keys() | repeated(repo).keys())
            or owners & served.keys()
            or kind is None
            or method.file.path != source.path
        ):
            continue
        for product in source.within(kind.node, ast.BinOp):
            if (
                isinstance(product.op, ast.MatMult)
                and source.function_of(product) in served
                and dotted(_unturned(product.right)) == weight
            ):
                said = f"compares with {weight} alone, where training compares with {name}(): use that"
                yield source.hit(KIND.code, product, said)


@once
def _served(repo: Codebase) -> dict[ast.AST, Defined]:
    return {place.node: place for place in reached(repo, [score for _, score in contract(repo)])}


@once
def _tables(repo: Codebase) -> list[tuple[Defined, str]]:
    """(method, `self.item.weight`) of methods of modules that return a weight with something that is made of it or added."""
    found = []
    for name in repo.modules:
        for kind in repo.classes[name]:
            for node in getattr(kind.node, "body", []):
                if isinstance(node, ast.FunctionDef) and node.name != "forward" and len(node.args.args) == 1:
                    place = Defined(file=kind.file, node=node)
                    values = returns(place)
                    weight = _weight_in_sum(values[0]) if len(values) == 1 else ""
                    found += [(place, weight)] if weight and len(repo.functions[node.name]) == 1 else []
    return found


def _weight_in_sum(value: ast.expr) -> str:
    """`self.item.weight` of `self.item.weight + self.category(self.category_of)`; "" for all else."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return ""
    for one, other in ((value.left, value.right), (value.right, value.left)):
        name = dotted(one)
        if name.startswith("self.") and name.endswith(".weight") and isinstance(other, ast.Call):
            return name
    return ""


def _unturned(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return node.value
    if (
        isinstance(node, ast.Call)
        and called_name(node) in ("t", "transpose")
        and isinstance(node.func, ast.Attribute)
    ):
        return node.func.value
    return node


RULE = Rule(kind=KIND, run=part_of_table_served)
