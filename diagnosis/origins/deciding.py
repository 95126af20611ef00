"""The lines that decide what is wrong with a value: where it is drawn, sliced, shifted or joined, not where it is handed on."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from diagnosis.decisions import Decision
from diagnosis.findings import CodePlace
from diagnosis.origins.walk import SEEDS, Does, Origin, walk
from diagnosis.origins.ways import Value
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.made_from import reaching
from diagnosis.rules.source import Function, Loop, ParsedFile, read_source
from diagnosis.syntax import called_name

# What is made once and handed on through attributes is looked for from where it became a tensor.
_BEFORE_TENSORS = {Decision.EDGES, Decision.NODES, Decision.WEIGHTS}


@dataclass(frozen=True, kw_only=True, eq=False)
class Deciding:
    """The files of a measured program, and the lines in them that decide.

    sources: path -> text. entry: the file that offers the recommender; what neither it nor a file with a known line imports
    (scripts of the repo's own) is not followed. "" follows everything.
    """

    sources: Mapping[str, str]
    entry: str = ""

    @cached_property
    def repo(self) -> Codebase:
        """All files that can be parsed, each knowing the others."""
        read = [read_source(path, text) for path, text in self.sources.items() if path.endswith(".py")]
        files = tuple(file for file in read if file is not None)
        repo = Codebase(files=files, whole=len(files) == len(read))
        placed = tuple(replace(file, repo=repo) for file in files)
        return Codebase(files=placed, whole=repo.whole)

    def _following(self, places: Sequence[CodePlace]) -> Codebase:
        """The files that take part: the entry's, those of the places, and what they import."""
        if not self.entry:
            return self.repo
        taking, waiting = set[str](), [self.entry, *(place.path for place in places)]
        while waiting:
            path = waiting.pop()
            if path not in taking:
                taking.add(path)
                waiting += self._imports.get(path, ())
        found = self._subsets.get(frozenset(taking))
        if found is None:
            files = tuple(file for file in self.repo.files if file.path in taking)
            found = self._subsets[frozenset(taking)] = Codebase(files=files, whole=self.repo.whole)
        return found

    @cached_property
    def _subsets(self) -> dict[frozenset[str], Codebase]:
        return {}

    @cached_property
    def _imports(self) -> dict[str, list[str]]:
        """Path -> the files of the repo that it imports; a package with all that it imports itself."""
        return {
            file.path: [other.path for other in self.repo.files if _imports(file, other)]
            for file in self.repo.files
        }

    def lines(
        self, decision: Decision, places: Sequence[CodePlace], beside: Sequence[CodePlace] = ()
    ) -> tuple[CodePlace, ...]:
        """The places of a finding with the lines that decide first; as they were where none is found.

        places: where a value came from and, last, where it is used. beside: the same of a value that is right.
        """
        repo = self._following(places)
        shared = {origin.spot for origin in self._walked(repo, beside)}
        via = frozenset((place.path, place.line) for place in places)
        first = places if decision in _BEFORE_TENSORS else (*reversed(places), *places)
        for start in dict.fromkeys(first):
            found = _decisive(decision, self._walked(repo, [start], via), shared)
            if found:
                own = [CodePlace(path=o.file.path, line=o.line, does=o.does.value) for o in found[:1]]
                return tuple(dict.fromkeys([*own, *places]))
        return tuple(places)

    def _walked(
        self, repo: Codebase, places: Iterable[CodePlace], via: frozenset[tuple[str, int]] = frozenset()
    ) -> list[Origin]:
        return [origin for place in places for origin in walk(repo, self._values(place), via)]

    def _values(self, place: CodePlace) -> list[Value]:
        """What the statement of a line computes from: the arguments of its calls, else its whole expression."""
        file = next((f for f in self.repo.files if f.path == place.path), None)
        if file is None:
            return []
        return [Value(file=file, node=node) for node in _expressions(file, place.line)]


def _imports(file: ParsedFile, other: ParsedFile) -> bool:
    """Whether a file imports another, by any spelling of its module's name."""
    module = other.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    last = module.rpartition(".")[2]
    for statement in file.within(file.nodes[0], ast.Import, ast.ImportFrom):
        named = [alias.name for alias in statement.names]
        base = getattr(statement, "module", None) or ""
        told = [*named, base, *(f"{base}.{name}" if base else name for name in named)]
        if any(one == last or one.endswith(f".{last}") or one.startswith(f"{module}.") for one in told):
            return True
    return False


def _expressions(file: ParsedFile, line: int) -> list[ast.expr]:
    here = [node for node in file.nodes if isinstance(node, ast.expr) and node.lineno == line]
    calls = [node for node in here if isinstance(node, ast.Call)]
    given = [arg for call in calls for arg in (*call.args, *(k.value for k in call.keywords))]
    subscripts = [
        node.slice
        for node in here
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice)
    ]
    plain = [
        node
        for node in (*given, *subscripts)
        if not isinstance(node, ast.Constant | ast.UnaryOp | ast.Starred)
    ]
    outer = [node for node in here if not isinstance(file.parents.get(node), ast.expr)]
    return list(dict.fromkeys(plain or outer))


def _decisive(decision: Decision, origins: Sequence[Origin], shared: set[tuple[str, int]]) -> list[Origin]:
    by: dict[Does, list[Origin]] = {}
    for origin in origins:
        by.setdefault(origin.does, []).append(origin)
    draws = sorted(by.get(Does.DRAWS, ()), key=lambda o: (o.depth, o.line))
    if decision is Decision.DRAW:
        return draws
    if decision is Decision.SEED:
        return [*_seeds(origins, draws), *draws]
    if decision is Decision.REJECTION:
        return [*_rejections(draws), *draws]
    if decision is Decision.CHOICE:
        return [*draws, *by.get(Does.ORDERS, ())]
    if decision is Decision.ORDER:
        return [o for o in by.get(Does.ORDERS, ()) if o.spot not in shared]
    cuts = [o for o in origins if o.does is Does.SLICES and not _is_ragged(o)]
    if decision is Decision.EVENT:
        shifts = [o for o in origins if o.does is Does.SHIFTS and _in_index(o)]
        return sorted(
            [o for o in (*cuts, *shifts) if not _keeps_newest(o)], key=lambda o: (o.spot in shared, o.depth)
        )
    if decision is Decision.COVERAGE:
        bounded = [c for o in cuts if _leaves_out(o) for c in _bounds(o)]
        return [*bounded, *(o for o in cuts if _leaves_out(o))]
    stores = [o for o in by.get(Does.STORES, ()) if isinstance(o.node, ast.Assign | ast.AugAssign)]
    if decision is Decision.WEIGHTS:
        named = sorted(by.get(Does.NAMES, ()), key=lambda o: o.depth)
        return [
            o
            for o in named
            if not _is_conversion(o) and not isinstance(getattr(o.node, "value", None), ast.BinOp)
        ]
    if decision is Decision.NODES:
        offsets = [o for o in by.get(Does.SHIFTS, ()) if not _in_size(o)]
        return [*(o for o in stores if _in_blocks(o)), *offsets]
    lossy = [o for o in stores if isinstance(o.node, ast.AugAssign)]
    picked = [o for o in origins if o.does in (Does.FILTERS, Does.SLICES)]
    return [*lossy, *draws, *picked, *(o for o in stores if _in_blocks(o))]


def _function(origin: Origin) -> ast.AST:
    return origin.file.function_of(origin.node) or origin.file.nodes[0]


def _seeds(origins: Sequence[Origin], draws: Sequence[Origin]) -> list[Origin]:
    """Generators of the draws that are made again and again: in a loop, or in a function that is none that sets up."""
    own = [
        Origin(file=o.file, node=call, does=Does.SEEDS, depth=o.depth)
        for o in draws
        for call in o.file.calls_in(_function(o))
        if called_name(call) in SEEDS
    ]
    return [o for o in (*own, *(o for o in origins if o.does is Does.SEEDS)) if _is_repeated(o)]


def _is_repeated(origin: Origin) -> bool:
    function = _function(origin)
    if any(isinstance(outer, Loop) for outer in origin.file.around(origin.node)):
        return True
    name = getattr(function, "name", "")
    return isinstance(function, Function) and name not in (
        "__init__",
        "build",
        "main",
        "setup",
        "__post_init__",
    )


def _rejections(draws: Sequence[Origin]) -> list[Origin]:
    """Conditions on what was drawn, in the function that draws."""
    found = []
    for origin in draws[:1]:
        file, function = origin.file, _function(origin)
        tests = file.calls_in(function)
        known = [c for c in tests if called_name(c) in ("isin", "in1d", "searchsorted")]
        loops = [n.test for n in file.within(function, ast.While, ast.If)]
        compared = [
            c
            for t in loops
            for c in file.within(t, ast.Compare)
            if any(isinstance(o, ast.In | ast.NotIn) for o in c.ops)
        ]
        found += [
            Origin(file=file, node=n, does=Does.FILTERS, depth=origin.depth) for n in (*known, *compared)
        ]
    return found


def _in_index(origin: Origin) -> bool:
    """Whether a sum chooses an element or a range of them."""
    for outer in origin.file.around(origin.node):
        if isinstance(outer, ast.Subscript) and outer.value is not origin.node:
            return True
        if isinstance(outer, ast.stmt):
            return False
    return False


def _parts(origin: Origin) -> list[ast.Slice]:
    node = origin.node
    index = node.slice if isinstance(node, ast.Subscript) else None
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return [part for part in parts if isinstance(part, ast.Slice)]


def _is_ragged(origin: Origin) -> bool:
    """Whether the slice is one user's run of a long array: `items[offsets[u] : offsets[u + 1]]`, which decides nothing."""
    return any(
        isinstance(part.lower, ast.Subscript) and isinstance(part.upper, ast.Subscript)
        for part in _parts(origin)
    )


def _keeps_newest(origin: Origin) -> bool:
    """Whether a slice only bounds a length, from the end: `x[-50:]`."""
    parts = _parts(origin)
    return bool(parts) and all(
        part.upper is None and part.step is None and isinstance(part.lower, ast.UnaryOp) for part in parts
    )


def _leaves_out(origin: Origin) -> bool:
    """Whether a slice is more than one half of the shift by one."""
    written = [
        tuple(ast.unparse(b) if b is not None else "" for b in (part.lower, part.upper))
        for part in _parts(origin)
    ]
    return any(one not in (("1", ""), ("", "-1")) for one in written)


def _bounds(origin: Origin) -> list[Origin]:
    """Where the bounds of a slice are set to a length less some events."""
    found = []
    for part in _parts(origin):
        for name in (
            n
            for b in (part.lower, part.upper)
            if b is not None
            for n in ast.walk(b)
            if isinstance(n, ast.Name)
        ):
            for binding in reaching(origin.file, name.id, name):
                value = binding.value
                counts = any(isinstance(c, ast.Call) and called_name(c) == "len" for c in ast.walk(value))
                less = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub)
                if counts and (less or isinstance(value, ast.Call)) and less:
                    found.append(
                        Origin(file=origin.file, node=binding.value, does=Does.COUNTS, depth=origin.depth)
                    )
    return found


def _is_conversion(origin: Origin) -> bool:
    """Whether a name is bound to a tensor that is made of an array."""
    value = getattr(origin.node, "value", None)
    made = {"from_numpy", "tensor", "as_tensor", "LongTensor", "FloatTensor", "Tensor", "to", "long", "float"}
    return value is not None and any(
        isinstance(part, ast.Call) and called_name(part) in made for part in ast.walk(value)
    )


def _in_blocks(origin: Origin) -> bool:
    """Whether a store goes into a block of a matrix, or to shifted places."""
    node = origin.node
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(part, ast.Slice | ast.BinOp) for target in targets for part in ast.walk(target))


def _in_size(origin: Origin) -> bool:
    """Whether a sum is a number of nodes: bound to a name by itself, or the shape of something."""
    outer = origin.file.parents.get(origin.node)
    return isinstance(outer, ast.Tuple | ast.Assign | ast.keyword)
