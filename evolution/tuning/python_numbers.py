"""Finds the numbers of a Python file's configuration: fields, constants, options, dicts, arguments, defaults, variables."""

import ast
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from diagnosis.syntax import below, parsed
from evolution.tuning.number import Number, Where, read_number

Function = ast.FunctionDef | ast.AsyncFunctionDef

FIELD_MAKERS = (
    "field",
    "Field",
    "attrib",
    "ib",
    "Option",
    "Argument",
)  # calls that hold the default of a field
OPTION_MAKERS = ("add_argument", "add_option", "option")
LOOK_UPS = ("get", "getattr", "setdefault", "pop")
OPTIMIZERS = ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "SparseAdam", "Adamax", "NAdam", "RAdam")
DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
# The arguments whose role the callee tells: (callee, position or name) -> role.
ROLES: Mapping[tuple[str, int | str], str] = {
    **{(kind, 0): "dropout" for kind in DROPOUTS},
    **{(kind, "p"): "dropout" for kind in (*DROPOUTS, "dropout")},
    ("dropout", 1): "dropout",
    **{(kind, 1): "lr" for kind in OPTIMIZERS},
}


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What is around a node. lines: of the innermost statement. kind: the class whose body it stands in, "" else."""

    lines: tuple[int, int] = (0, 0)
    kind: str = ""
    functions: tuple[str, ...] = ()


def python_numbers(path: str, text: str) -> list[Number]:
    """The numbers of a file in the order of its text; [] for a text that is no Python."""
    tree = parsed(text)
    if tree is None:
        return []
    found = {(one.line, one.start, one.where): one for one in _Reader(path, text).below(tree, _Around())}
    first: dict[tuple[int, int], Number] = {}
    for one in found.values():
        first.setdefault((one.line, one.start), one)
    return [first[place] for place in sorted(first)]


class _Reader:
    """Reads one file."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.lines = path, text.split("\n")

    def below(self, node: ast.AST, around: _Around) -> Iterator[Number]:
        """The numbers below a node; what a place is called by its own statement comes before what is inside of it."""
        for child in below(node):
            here = around
            if isinstance(child, ast.stmt):
                here = replace(around, lines=(child.lineno, child.end_lineno or child.lineno))
            yield from self._of(child, here)
            if isinstance(child, ast.ClassDef):
                here = _Around(lines=here.lines, kind=child.name)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                here = replace(here, functions=_inside(here, child.name))
            yield from self.below(child, here)

    def _of(self, node: ast.AST, around: _Around) -> Iterator[Number]:
        if isinstance(node, ast.ClassDef):
            yield from self._fields(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from self._parameters(node, around)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and not (around.kind and not around.functions):
            yield from self._assigned(node, around)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values):
                yield from self._number(value, _text(key), Where.ENTRY, around, name=f'"{_text(key)}"')
        elif isinstance(node, (ast.List, ast.Tuple)):
            yield from self._words(node.elts, around)
        elif isinstance(node, ast.Call):
            yield from self._call(node, around)

    def _fields(self, node: ast.ClassDef) -> Iterator[Number]:
        """The defaults of a class's own names, of a dataclass, a settings model, or a plain namespace."""
        fields = [one for one in node.body if isinstance(one, (ast.Assign, ast.AnnAssign))]
        for position, one in enumerate(fields):
            target = one.targets[0] if isinstance(one, ast.Assign) else one.target
            if not isinstance(target, ast.Name) or one.value is None:
                continue
            around = _Around(lines=(one.lineno, one.end_lineno or one.lineno), kind=node.name)
            whole = isinstance(one, ast.AnnAssign) and _is_whole(one.annotation)
            given = _default(one.value)
            yield from self._number(
                given, target.id, Where.FIELD, around, name=f"{node.name}.{target.id}", owner=node.name,
                position=position, whole=whole,
            )  # fmt: skip

    def _parameters(self, node: Function, around: _Around) -> Iterator[Number]:
        arguments = node.args
        method = bool(around.kind) and not around.functions
        owner = around.kind if method and node.name == "__init__" else node.name
        named = [*arguments.posonlyargs, *arguments.args]
        with_default = list(enumerate(named))[len(named) - len(arguments.defaults) :]
        pairs = [(at - method, one, value) for (at, one), value in zip(with_default, arguments.defaults)]
        pairs += [
            (-1, one, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults) if value
        ]
        first = node.body[0].lineno
        inside = replace(
            around, functions=_inside(around, node.name), lines=(first, node.end_lineno or first)
        )
        for position, one, value in pairs:
            yield from self._number(
                _default(value), one.arg, Where.PARAMETER, inside, name=f"{owner}({one.arg}=)", owner=owner,
                position=position, whole=_is_whole(one.annotation),
            )  # fmt: skip

    def _assigned(self, node: ast.Assign | ast.AnnAssign, around: _Around) -> Iterator[Number]:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        where = Where.VARIABLE if around.functions else Where.CONSTANT
        whole = isinstance(node, ast.AnnAssign) and _is_whole(node.annotation)
        for target in targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts))
            for one, value in pairs:
                word = _target(one)
                yield from self._number(value, word, where, around, name=word, whole=whole)

    def _call(self, node: ast.Call, around: _Around) -> Iterator[Number]:
        callee = _last(node.func)
        if callee in OPTION_MAKERS:
            yield from self._option(node, around)
            return
        if callee in LOOK_UPS:
            yield from self._fallback(node, callee, around)
            return
        for position, value in enumerate(node.args):
            if role := ROLES.get((callee, position), ""):
                yield from self._number(
                    value, role, Where.ARGUMENT, around, name=f"{callee}(...)", owner=callee
                )
        for given in node.keywords:
            if given.arg:
                word = ROLES.get((callee, given.arg), given.arg)
                name = f"{callee}({given.arg}=)"
                yield from self._number(given.value, word, Where.ARGUMENT, around, name=name, owner=callee)

    def _option(self, node: ast.Call, around: _Around) -> Iterator[Number]:
        flags = [text for one in node.args if (text := _text(one)).startswith("-")]
        flag = max(flags, key=len, default="")
        given = {one.arg: one.value for one in node.keywords if one.arg}
        kind = given.get("type")
        whole = isinstance(kind, ast.Name) and kind.id == "int"
        name = _text(given.get("dest")) or _option_name(flag)
        shown = flag or name
        yield from self._number(given.get("default"), name, Where.OPTION, around, name=shown, whole=whole)

    def _fallback(self, node: ast.Call, callee: str, around: _Around) -> Iterator[Number]:
        at = 1 if callee == "getattr" else 0
        if len(node.args) > at + 1:
            word = _text(node.args[at])
            yield from self._number(
                node.args[at + 1], word, Where.FALLBACK, around, name=f'{callee}("{word}", ...)'
            )

    def _words(self, items: list[ast.expr], around: _Around) -> Iterator[Number]:
        """The values on a command line that is written as a list: ["--lr", "0.01"], or ["--lr=0.01"]."""
        for one in items:
            flag, joined, _ = _text(one).partition("=")
            if joined and flag.startswith("--"):
                yield from self._number(
                    one, _option_name(flag), Where.WORDS, around, name=flag, skipped=len(flag) + 1
                )
        for flag, value in itertools.pairwise(items):
            name = _text(flag)
            if name.startswith("--") and isinstance(value, ast.Constant):
                yield from self._number(value, _option_name(name), Where.WORDS, around, name=name)

    def _number(
        self,
        node: ast.AST | None,
        word: str,
        where: Where,
        around: _Around,
        *,
        name: str,
        owner: str = "",
        position: int = -1,
        whole: bool = False,
        skipped: int = 0,
    ) -> Iterator[Number]:
        """The number that a node is. skipped: characters of a text before its number."""
        if not isinstance(node, ast.Constant) or not word or node.lineno != node.end_lineno:
            return
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        start, end = (_column(line, at) for at in (node.col_offset, node.end_col_offset or node.col_offset))
        quoted = isinstance(node.value, str) and where is Where.WORDS
        if quoted:
            start, end = start + 1 + skipped, end - 1
        text = line[start:end]
        value = read_number(text)
        if value is None or isinstance(node.value, bool) or (not quoted and value != node.value):
            return
        yield Number(
            path=self.path, line=node.lineno, start=start, end=end, text=text, value=value, name=name, word=word,
            where=where, owner=owner, position=position, around=around.functions, lines=around.lines, whole=whole,
        )  # fmt: skip


def _inside(around: _Around, function: str) -> tuple[str, ...]:
    """The names of the functions around what stands in a function, with the class of a method."""
    method = bool(around.kind) and not around.functions
    return (*((around.kind,) if method else around.functions), function)


def _option_name(flag: str) -> str:
    """`batch_size` for `--batch-size`."""
    return flag.lstrip("-").replace("-", "_")


def _column(line: str, offset: int) -> int:
    """The column in characters of an offset in UTF-8 bytes."""
    return len(line.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))


def _default(node: ast.AST | None) -> ast.AST | None:
    """The default within `field(default=0.2)` and its like; any other expression itself."""
    if not isinstance(node, ast.Call) or _last(node.func) not in FIELD_MAKERS:
        return node
    named = next((one.value for one in node.keywords if one.arg == "default"), None)
    return named if named is not None else next(iter(node.args), None)


def _is_whole(annotation: ast.AST | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "int"


def _target(node: ast.AST) -> str:
    """`lr` for `lr`, `self.lr` and `config["lr"]`."""
    return _text(node.slice) if isinstance(node, ast.Subscript) else _last(node)


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
