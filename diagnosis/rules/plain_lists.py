"""Static rule: layers in a plain list or dictionary of a module, which no optimizer and no `.to(device)` ever sees."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, Made
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="layers-in-plain-list",
    found_by=FoundBy.RULE,
    title="Layers in a plain list",
    why="Only nn.ModuleList and nn.ModuleDict register what they hold: these layers keep their random weights, and are "
    "in no state_dict.",
    definition="A list, tuple or dict of layers with weights, kept as an attribute of a module and registered nowhere.",
    roles=(Role.ENCODER,),
    explains=("not-in-optimizer", "same-answer-twice", "scores-differ-from-training", "not-learning", *WEAK),
)
# Classes of torch.nn without weights.
WEIGHTLESS = [
    "Dropout",
    "ReLU",
    "GELU",
    "ELU",
    "SELU",
    "SiLU",
    "Tanh",
    "Sigmoid",
    "Softmax",
    "LogSoftmax",
    "LeakyReLU",
    "Identity",
    "Softplus",
    "Flatten",
    "Loss",
    "Pool",
    "Pad",
    "Similarity",
    "Distance",
    "Mish",
    "Hardtanh",
    "Upsample",
    "Unflatten",
    "Threshold",
    "Hardswish",
    "CELU",
    "GLU",
    "Softsign",
    "Dropout1d",
    "AlphaDropout",
]
REGISTERS = {
    "add_module",
    "register_module",
    "register_parameter",
    "ModuleList",
    "ModuleDict",
    "ParameterList",
    "setattr",
    "__setattr__",
    "Sequential",
    "ParameterDict",
}


def plain_lists(source: ParsedFile) -> Iterator[RuleHit]:
    """Attributes of modules that are lists of constructor calls of layers, literally, in a comprehension, or by append."""
    repo = source.repo
    for node in source.within(source.nodes[0], ast.ClassDef) if repo else ():
        kind = Defined(file=source, node=node)
        if repo is not None and repo.is_module(kind):
            yield from _in_class(repo, source, node)


def _in_class(repo: Codebase, source: ParsedFile, kind: ast.ClassDef) -> Iterator[RuleHit]:
    for node in source.within(kind, ast.Assign, ast.AnnAssign, ast.Call):
        if isinstance(node, ast.Call):
            name, parts = _appended(source, node)
        else:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name, parts = dotted(target), _parts(source, node.value)
            if isinstance(target, ast.Subscript) and node.value is not None:
                name, parts = _put(source, target, node.value)
        if not name.startswith("self.") or not parts or name.count(".") > 1:
            continue
        if any(_has_weights(repo, source, part) for part in parts) and not _registered(source, kind, name):
            yield source.hit(
                KIND.code,
                node,
                "is a plain list of layers, which are never trained or moved: use nn.ModuleList",
            )


def _parts(source: ParsedFile, value: ast.expr | None, depth: int = 0) -> list[ast.expr]:
    """The elements of a list, tuple, dict or comprehension, also of one that a local name holds."""
    if isinstance(value, ast.List | ast.Tuple):
        return value.elts
    if isinstance(value, ast.Dict):
        return value.values
    if isinstance(value, ast.ListComp):
        return [value.elt]
    if isinstance(value, ast.DictComp):
        return [value.value]
    if isinstance(value, ast.Call) and called_name(value) in ("list", "tuple", "dict") and value.args:
        inner = value.args[0]
        return [inner.elt] if isinstance(inner, ast.GeneratorExp) else _parts(source, inner, depth + 1)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Add):
        return _parts(source, value.left, depth) + _parts(source, value.right, depth)
    if isinstance(value, ast.Name) and depth < 2:
        found = [p for b in bindings(source, value.id, value) for p in _parts(source, b.value, depth + 1)]
        appended = [a for call in _appends(source, value.id, source.function_of(value)) for a in call.args]
        return found + appended
    return []


def _appends(source: ParsedFile, name: str, scope: ast.AST | None) -> list[ast.Call]:
    return [
        call
        for call in (source.within(scope, ast.Call) if scope else [])
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "append"
        and dotted(call.func.value) == name
    ]


def _appended(source: ParsedFile, call: ast.Call) -> tuple[str, list[ast.expr]]:
    """`self.layers.append(nn.Linear(...))` on an attribute that is a plain list."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "append" or len(call.args) != 1:
        return "", []
    name = dotted(call.func.value)
    starts = bindings(source, name, call) if name.startswith("self.") else []
    plain = bool(starts) and all(isinstance(b.value, ast.List) for b in starts)
    return (name, call.args) if plain else ("", [])


def _put(source: ParsedFile, target: ast.Subscript, value: ast.expr) -> tuple[str, list[ast.expr]]:
    """`self.tables["user"] = nn.Embedding(...)` on an attribute that is a plain dictionary."""
    name = dotted(target.value)
    starts = bindings(source, name, target) if name.startswith("self.") else []
    plain = bool(starts) and all(
        isinstance(b.value, ast.Dict)
        or (isinstance(b.value, ast.Call) and called_name(b.value) in ("dict", "OrderedDict"))
        for b in starts
    )
    return (name, [value]) if plain else ("", [])


def _has_weights(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    """Whether an expression is itself a call that makes a layer or parameter with weights."""
    if not isinstance(node, ast.Call):
        made = repo.makers(source, node) if isinstance(node, ast.Name) and _is_local(source, node) else []
        return any(_has_weights(repo, m.file, m.call) for m in made if m.call is not node)
    full = source.full_name(node)
    if full.startswith("torch.nn.") and not full.startswith(
        ("torch.nn.functional.", "torch.nn.init.", "torch.nn.utils.")
    ):
        name = full.rpartition(".")[2]
        if name in ("Sequential", "ModuleList"):
            return any(_has_weights(repo, source, p) for a in node.args for p in (_parts(source, a) or [a]))
        return name[:1].isupper() and not any(
            name.endswith(w) or name.startswith(w + "1") for w in WEIGHTLESS
        )
    return called_name(node) in repo.modules and isinstance(node.func, ast.Name | ast.Attribute)


def has_weights(repo: Codebase, made: Made) -> bool:
    """Whether a constructor call makes a layer or parameter with weights."""
    return made.name in repo.modules or _has_weights(repo, made.file, made.call)


def _is_local(source: ParsedFile, node: ast.Name) -> bool:
    """Whether a name is bound in its function, and never kept as an attribute, which would register it."""
    function = source.function_of(node)
    if function is None:
        return False
    kept = [
        a
        for a in source.within(function, ast.Assign)
        if isinstance(a.value, ast.Name)
        and a.value.id == node.id
        and any(dotted(t).startswith("self.") for t in a.targets)
    ]
    targets = [
        t for b in bindings(source, node.id, node) if isinstance(b.node, ast.Assign) for t in b.node.targets
    ]
    return not kept and not any(dotted(t).startswith("self.") for t in targets)


def _registered(source: ParsedFile, kind: ast.ClassDef, name: str) -> bool:
    """Whether the class registers the elements after all, or the list is assigned anew as a module."""
    for call in source.within(kind, ast.Call):
        if called_name(call) in REGISTERS and any(
            dotted(p) == name for a in call.args for p in ast.walk(a) if isinstance(p, ast.Attribute)
        ):
            return True
        if called_name(call) in (
            "add_module",
            "register_module",
            "setattr",
            "__setattr__",
            "register_parameter",
        ):
            return True
    ends = [b.value for b in bindings(source, name, kind)]
    return any(isinstance(v, ast.Call) and called_name(v) in REGISTERS for v in ends)


RULE = Rule(kind=KIND, run=plain_lists)
