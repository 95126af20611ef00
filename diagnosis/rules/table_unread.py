"""Static rule: a table or parameter of a model that is made and never read."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.definitions import Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="table-never-read",
    found_by=FoundBy.RULE,
    title="A table is never read",
    why="What it should add to the model, positions or users for instance, is missing: its rows keep their random values.",
    definition="An nn.Embedding or nn.Parameter that a module makes for itself, and whose name no code of the repo reads.",
    roles=(Role.POSITION_TABLE, Role.ITEM_TABLE),
    explains=("not-in-optimizer", "no-gradient", "untrained-rows", "order-ignored", *UNORDERED, *WEAK),
)
TABLES = {"torch.nn.Embedding", "torch.nn.Parameter", "torch.nn.parameter.Parameter"}
# What goes through the parts of a module without their names.
BY_ITSELF = {"children", "named_children", "_modules", "_parameters", "__dict__", "vars"}

STAND_INS = ("dummy", "fake", "placeholder")


def table_unread(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.positions = nn.Embedding(...)` where `.positions` is read nowhere."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for kind in source.within(source.nodes[0], ast.ClassDef):
        if kind.name not in repo.modules:
            continue
        for assign in source.within(kind, ast.Assign):
            name = dotted(assign.targets[0])
            made = isinstance(assign.value, ast.Call) and source.full_name(assign.value) in TABLES
            if not made or name.count(".") != 1 or not name.startswith("self."):
                continue
            if _is_one_number(assign.value) or any(word in name.lower() for word in STAND_INS):
                continue  # by which a model without weights has a device, and an optimizer something to step
            if not _is_read(repo, name.partition(".")[2]) and not _goes_through_parts(repo, source, kind):
                yield source.hit(
                    KIND.code, assign, f"makes {name}, which nothing reads: it has no part in the model"
                )


def _is_one_number(made: ast.expr) -> bool:
    """Whether a parameter is a single number: `nn.Parameter(torch.zeros(1))`."""
    inner = made.args[0] if isinstance(made, ast.Call) and len(made.args) == 1 else None
    if not isinstance(inner, ast.Call) or len(inner.args) != 1:
        return False
    size = inner.args[0]
    if called_name(inner) == "tensor":
        return isinstance(size, ast.Constant) or (isinstance(size, ast.List) and len(size.elts) == 1)
    return isinstance(size, ast.Constant) and size.value == 1


def _is_read(repo: Codebase, name: str) -> bool:
    """Whether an attribute of this name is read, or a text names it, as `getattr` and keys of a state do."""
    return name in _names_read(repo)


@once
def _names_read(repo: Codebase) -> set[str]:
    found: set[str] = set()
    for file in repo.files:
        for node in file.within(file.nodes[0], ast.Attribute, ast.Constant):
            if isinstance(node, ast.Attribute):
                found |= set() if isinstance(node.ctx, ast.Store) else {node.attr}
            elif isinstance(node.value, str):
                found.update(node.value.split("."))
    return found


def _goes_through_parts(repo: Codebase, source: ParsedFile, kind: ast.ClassDef) -> bool:
    """Whether the class, or one that it is made of or that is made of it, goes through its parts without their names."""
    family = [*repo.lineage(Defined(file=source, node=kind)), *repo.below.get(kind.name, [])]
    return any(
        (isinstance(node, ast.Attribute) and node.attr in BY_ITSELF)
        or (isinstance(node, ast.Call) and called_name(node) in BY_ITSELF)
        for place in family
        for node in place.file.within(place.node, ast.Attribute, ast.Call)
    )


RULE = Rule(kind=KIND, run=table_unread)
