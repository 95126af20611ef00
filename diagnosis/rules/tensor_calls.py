"""Which operation of torch a call is, however it is written: `F.softmax(x, 1)`, `x.softmax(1)`, `nn.Softmax(1)(x)`."""

import ast
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.syntax import called_name

# Modules that do what a function does: class -> function.
FUNCTION_OF = {
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "LogSigmoid": "logsigmoid",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "BCELoss": "binary_cross_entropy",
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "MSELoss": "mse_loss",
    "KLDivLoss": "kl_div",
    "Flatten": "flatten",
    "Identity": "identity",
    "Dropout": "dropout",
    "ReLU": "relu",
    "GELU": "gelu",
    "Tanh": "tanh",
    "Linear": "linear",
    "Embedding": "embedding",
}
# Modules that stand for no function, and are asked for by their own names.
ATTENTION = ("MultiheadAttention", "TransformerEncoder", "TransformerEncoderLayer", "Transformer")
# What objects of the language answer to: no module is called by these names.
PLAIN = frozenset(
    name
    for kind in (str, list, dict, set, bytes, int, float, tuple)
    for name in vars(kind)
    if not name.startswith("__")
) | {
    "isinstance",
    "len",
    "range",
    "print",
    "enumerate",
    "zip",
    "sorted",
    "any",
    "all",
    "str",
    "int",
    "float",
    "list",
    "dict",
    "set",
    "tuple",
}
_SAME = {
    "special.expit": "sigmoid",
    "expit": "sigmoid",
    "special.softmax": "softmax",
    "log_sigmoid": "logsigmoid",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One operation on tensors.

    name: of the function in torch: "softmax".
    values: its positional arguments, a method's own tensor first.
    options: the call that has the other arguments: of a module, the call that made it.
    """

    name: str
    values: tuple[ast.expr, ...]
    call: ast.Call
    options: ast.Call

    def option(self, name: str, place: int) -> ast.expr | None:
        """An argument by its name, or by its place among `values`; of a module by its place in the constructor, which
        is one less.
        """
        named = keyword(self.options, name)
        if named is not None:
            return named
        if self.options is not self.call:
            return self.options.args[place - 1] if 0 < place <= len(self.options.args) else None
        return self.values[place] if place < len(self.values) else None


_KNOWN: "WeakKeyDictionary[Codebase, dict[ast.Call, Operation | None]]" = WeakKeyDictionary()


def operation(repo: Codebase | None, file: ParsedFile, call: ast.Call) -> Operation | None:
    """The operation that a call is; None for functions of the repo and calls of unknown objects."""
    if repo is None:
        return _operation(None, file, call)
    known = _KNOWN.setdefault(repo, {})
    if call not in known:
        known[call] = _operation(repo, file, call)
    return known[call]


def _operation(repo: Codebase | None, file: ParsedFile, call: ast.Call) -> Operation | None:
    full = file.full_name(call)
    name = called_name(call)
    if full.startswith(("torch.", "numpy.", "scipy.")):
        last = full.rpartition(".")[2]
        if full.startswith("torch.nn.") and not full.startswith("torch.nn.functional."):
            return None
        named = next((v.value for v in call.keywords if v.arg in ("input", "self")), None)
        values = (named, *call.args) if named is not None else tuple(call.args)
        return Operation(name=_SAME.get(last, last), values=values, call=call, options=call)
    module = _module(repo, file, call)
    if module is not None:
        return module
    if isinstance(call.func, ast.Attribute):
        if isinstance(call.func.value, ast.Name) and call.func.value.id in ("self", "super"):
            return None
        return Operation(
            name=_SAME.get(name, name), values=(call.func.value, *call.args), call=call, options=call
        )
    return None


def _module(repo: Codebase | None, file: ParsedFile, call: ast.Call) -> Operation | None:
    if repo is None or called_name(call) in PLAIN or next(repo.calls(*FUNCTION_OF, *ATTENTION), None) is None:
        return None
    names = set()
    made = None
    for made in repo.makers(file, call.func):
        full = made.full_name
        names.add(FUNCTION_OF.get(full.rpartition(".")[2], full) if full.startswith("torch.nn.") else "")
    if made is None or len(names) != 1 or "" in names:
        return None
    return Operation(name=names.pop(), values=tuple(call.args), call=call, options=made.call)


def whole(node: ast.expr | None) -> int | None:
    """The whole number that an expression is, its sign included; None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = whole(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def amount(node: ast.expr | None) -> float | None:
    """The number that an expression is: constants, signs, `float("-inf")`, `-np.inf`, `torch.finfo(t).min`; else None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = amount(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Call) and called_name(node) == "float" and len(node.args) == 1:
        text = getattr(node.args[0], "value", "")
        return float(text) if text in ("inf", "-inf", "Inf", "-Inf", "-infinity", "nan") else None
    if isinstance(node, ast.Attribute) and node.attr == "inf":
        return float("inf")
    if isinstance(node, ast.Attribute) and node.attr == "min" and isinstance(node.value, ast.Call):
        return float("-inf") if called_name(node.value) == "finfo" else None
    return None
