"""Static rule: a table or parameter of a model that is made and never read."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.definitions import Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="table-never-read",
    found_by=FoundBy.RULE,
    title="A table is never read",
    why="What it should add to the model, positions or users for instance, is missing: its rows keep their random values.",
    definition="An nn.Embedding or nn.Parameter that a module makes for itself, and whose name no code of the repo reads but to initialise it.",
    roles=(Role.POSITION_TABLE, Role.ITEM_TABLE),
    explains=("not-in-optimizer", "no-gradient", "untrained-rows", "order-ignored", *UNORDERED, *WEAK),
)
INPUT = FindingKind(
    code="input-unread",
    found_by=FoundBy.RULE,
    title="An input of a layer is never read",
    why="What the layer should depend on changes nothing, and the weights that were made for it keep their random values.",
    definition="A parameter without a default of a module's `forward` that its code never reads and no class above asks for, where the module makes a layer that nothing in the repo calls.",
    roles=(Role.ENCODER,),
    explains=("not-in-optimizer", "no-gradient", "input-ignored", *WEAK),
)
LAYERS = tuple(
    f"torch.nn.{name}"
    for name in ("Linear", "Embedding", "EmbeddingBag", "GRU", "LSTM", "Conv1d", "Bilinear", "Sequential")
)
TABLES = {"torch.nn.Embedding", "torch.nn.Parameter", "torch.nn.parameter.Parameter"}
# What goes through the parts of a module without their names.
BY_ITSELF = {"children", "named_children", "_modules", "_parameters", "__dict__", "vars"}

OF_FAMILIES = ("len", "mask", "user", "uid", "label", "target", "neg", "pos", "batch", "attention")
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
            if _goes_through_parts(repo, source, kind):
                continue
            if not _is_read(repo, name.partition(".")[2]):
                yield source.hit(
                    KIND.code, assign, f"makes {name}, which nothing reads: it has no part in the model"
                )
            elif (dropped := _dropped(repo, source, kind, name)) is not None:
                yield source.hit(
                    KIND.code,
                    dropped,
                    f"looks up {name} and reads the result nowhere: it has no part in the model",
                )


@once
def _loads(repo: Codebase) -> dict[str, list[tuple[ParsedFile, ast.Attribute]]]:
    """Name of an attribute -> where it is read in the repo, in the order of files and text."""
    found: dict[str, list[tuple[ParsedFile, ast.Attribute]]] = {}
    for file in repo.files:
        for node in file.within(file.nodes[0], ast.Attribute):
            if isinstance(node.ctx, ast.Load):
                found.setdefault(node.attr, []).append((file, node))
    return found


def _dropped(repo: Codebase, source: ParsedFile, kind: ast.ClassDef, table: str) -> ast.Assign | None:
    """`p = self.positions(places)` where nothing reads `p`, and nothing else the table."""
    attribute = table.partition(".")[2]
    loads = _loads(repo).get(attribute, [])
    reads = [(file, node) for file, node in loads if not _is_initialised(file, node)]
    if len(reads) != 1 or reads[0][0] != source or kind not in source.around(reads[0][1]):
        return None
    call = source.parents.get(reads[0][1])
    assign = source.parents.get(call) if isinstance(call, ast.Call) and call.func is reads[0][1] else None
    function = source.function_of(assign) if isinstance(assign, ast.Assign) else None
    if not isinstance(assign, ast.Assign) or function is None or not isinstance(assign.targets[0], ast.Name):
        return None
    name = assign.targets[0].id
    used = any(n.id == name and isinstance(n.ctx, ast.Load) for n in source.within(function, ast.Name))
    return None if used or source.calls_named("locals") else assign


def input_unread(source: ParsedFile) -> Iterator[RuleHit]:
    """`def forward(self, h, step)` that reads no step, beside `self.shift = nn.Linear(...)` that nothing calls."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for kind in source.within(source.nodes[0], ast.ClassDef):
        forward = next((f for f in kind.body if isinstance(f, Function) and f.name == "forward"), None)
        if kind.name not in repo.modules or forward is None:
            continue
        unread = [] if _is_given_by_name(source, kind) else _unread(source, forward)
        unread = [name for name in unread if not _is_inherited(repo, source, kind, name)]
        idle = [
            name
            for assign in (source.within(kind, ast.Assign) if unread else ())
            if isinstance(assign.value, ast.Call) and source.full_name(assign.value).startswith(LAYERS)
            and (name := dotted(assign.targets[0])).count(".") == 1 and name.startswith("self.")
            and not _is_read(repo, name.partition(".")[2])
        ]  # fmt: skip
        pair = next(((name, layer) for name in unread for layer in idle if _may_be_for(layer, name)), None)
        if pair is not None and not _goes_through_parts(repo, source, kind):
            yield source.hit(
                INPUT.code,
                forward,
                f"reads no {pair[0]}, and nothing calls {pair[1]}, which may have been made for it",
            )


def _may_be_for(layer: str, name: str) -> bool:
    """Whether a layer that nothing calls may have been made for an input: lengths, masks, users and labels are handed to every model of
    a family, and a layer left over beside them has another reason, if its name is not theirs."""
    pieces = {piece.rstrip("s") for piece in name.lower().split("_")}
    stems = {piece[:5] for piece in layer.lower().replace(".", "_").split("_")}
    return not any(p.startswith(OF_FAMILIES) for p in pieces) or bool({p[:5] for p in pieces} & stems)


def _is_given_by_name(source: ParsedFile, kind: ast.ClassDef) -> bool:
    """Whether the class asks for its parts by names that it puts together."""
    return any(dotted(call.func) == "getattr" for call in source.within(kind, ast.Call))


def _is_inherited(repo: Codebase, source: ParsedFile, kind: ast.ClassDef, name: str) -> bool:
    """Whether a class above says that `forward` takes this, which some of those below have no use for."""
    return any(
        isinstance(part, Function) and part.name == "forward" and name in parameters(part)
        for above in repo.lineage(Defined(file=source, node=kind))
        if above.node is not kind and isinstance(above.node, ast.ClassDef)
        for part in above.node.body
    )


def _unread(source: ParsedFile, forward: Function) -> list[str]:
    """The parameters that a function's code never reads; [] of one that only raises, or hands all on."""
    read = {n.id for statement in forward.body for n in source.within(statement, ast.Name)}
    does = any(source.within(statement, ast.Call) for statement in forward.body)
    required = parameters(forward)[
        : len(forward.args.posonlyargs + forward.args.args) - len(forward.args.defaults)
    ]
    names = [n for n in required if n != "self" and not n.startswith("_") and n not in read]
    return names if does and len(forward.body) + len(read) > 2 and "locals" not in read else []


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
                stored = isinstance(node.ctx, ast.Store) or _is_initialised(file, node)
                found |= set() if stored else {node.attr}
            elif isinstance(node.value, str):
                found.update(node.value.split("."))
    return found


def _is_initialised(file: ParsedFile, node: ast.Attribute) -> bool:
    """Whether the numbers of `self.table` are set at this place: `nn.init.normal_(self.table.weight)`, `self.table.weight.data.zero_()`."""
    if dotted(node).count(".") != 1 or not dotted(node).startswith("self."):
        return False
    outer: ast.AST | None = file.parents.get(node)
    if isinstance(
        outer, ast.Tuple | ast.List
    ):  # `for table in (self.users, self.items): nn.init.normal_(table.weight)`
        loop = file.parents.get(outer)
        calls = (
            [c for part in loop.body for c in file.within(part, ast.Call)]
            if isinstance(loop, ast.For)
            else []
        )
        sets = [_sets(file, call) for call in calls if not isinstance(file.parents.get(call), ast.Attribute)]
        return isinstance(loop, ast.For) and loop.iter is outer and bool(sets) and all(sets)
    while isinstance(outer, ast.Attribute) and outer.attr in ("weight", "data"):
        outer = file.parents.get(outer)
    if isinstance(outer, ast.Attribute):  # the method that sets them
        call = file.parents.get(outer)
        return isinstance(call, ast.Call) and call.func is outer and _sets(file, call)
    return isinstance(outer, ast.Call) and _sets(file, outer)


def _sets(file: ParsedFile, call: ast.Call) -> bool:
    """`nn.init.normal_(...)`, `weight.data.zero_()`."""
    method = isinstance(call.func, ast.Attribute)
    return called_name(call).endswith("_") and (method or file.full_name(call).startswith("torch.nn.init."))


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
INPUT_RULE = Rule(kind=INPUT, run=input_unread)
