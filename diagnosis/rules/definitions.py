"""What a repo defines and makes: functions, classes, the calls that make objects, and what can be read off each alone."""

import ast
from dataclasses import dataclass

from diagnosis.rules.source import Function, ParsedFile
from diagnosis.syntax import called_name, dotted


@dataclass(frozen=True, kw_only=True, eq=False)
class Defined:
    """A function or class, and the file that defines it."""

    file: ParsedFile
    node: ast.AST


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """A call that makes an object, and its file. chosen: the class's name, where a table of classes is called."""

    file: ParsedFile
    call: ast.Call
    chosen: str = ""

    @property
    def name(self) -> str:
        """The last part of what is called."""
        return self.chosen.rpartition(".")[2] or called_name(self.call)

    @property
    def full_name(self) -> str:
        """What is called, imports resolved: "torch.nn.GRU"."""
        if self.chosen:
            head, _, rest = self.chosen.partition(".")
            origin = self.file.imports.get(head, head)
            return f"{origin}.{rest}" if rest else origin
        return self.file.full_name(self.call)


def argument_of(made: Made, name: str, place: int) -> tuple[ParsedFile, ast.expr] | None:
    """What a call gives for a parameter; None if it is left out or hidden behind a star."""
    call = made.call
    named = next((k.value for k in call.keywords if k.arg == name), None)
    if (
        named is None
        and 0 <= place < len(call.args)
        and not any(isinstance(a, ast.Starred) for a in call.args)
    ):
        named = call.args[place]
    return (made.file, named) if named is not None else None


def returns(function: Defined) -> list[ast.expr]:
    """The expressions that a function returns, those of functions inside it left out."""
    return [
        statement.value
        for statement in function.file.within(function.node, ast.Return)
        if statement.value is not None and function.file.function_of(statement) is function.node
    ]


def is_method_of_class(defined: Defined) -> bool:
    """Whether a function is a method."""
    return isinstance(defined.file.parents.get(defined.node), ast.ClassDef)


def own_method(kind: Defined, name: str) -> Defined | None:
    """The method of this name that a class defines itself; None if it does not."""
    body = getattr(kind.node, "body", [])
    node = next((n for n in body if isinstance(n, Function) and n.name == name), None)
    return Defined(file=kind.file, node=node) if node is not None else None


def is_super_init(call: ast.Call) -> bool:
    """Whether a call is `super().__init__(...)`."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "__init__"
        and isinstance(function.value, ast.Call)
        and called_name(function.value) == "super"
    )


def is_abstract(node: ast.AST) -> bool:
    """Whether a function does nothing but wait for one in a class below."""
    body = getattr(node, "body", [])
    return all(
        isinstance(s, ast.Pass | ast.Raise) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )


def bases_of(kind: Defined) -> list[str]:
    """Full dotted names of the classes that a class names as its bases."""
    found = []
    for base in getattr(kind.node, "bases", []):
        head, _, rest = dotted(base).partition(".")
        origin = kind.file.imports.get(head, head)
        found.append(
            (f"{origin}.{rest}" if rest else origin).rpartition(".")[2] if not rest else f"{origin}.{rest}"
        )
    return found


def is_torch_module(base: str) -> bool:
    """Whether a base class is torch's, or Lightning's."""
    return base.rpartition(".")[2] in ("Module", "LightningModule")
