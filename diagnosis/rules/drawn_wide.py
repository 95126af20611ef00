"""Static rule: tables whose products are the scores are drawn with a standard deviation of one or more."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import bindings, words_of
from diagnosis.symptoms import UNLEARNED
from diagnosis.syntax import called_name, dotted
from seeds.amounts import number

KIND = FindingKind(
    code="tables-drawn-wide",
    found_by=FoundBy.RULE,
    title="Tables are drawn far too large",
    why="Products of such rows differ by many units before anything is learned: the sigmoid or softmax is flat, and the first epochs only undo it.",
    definition="A table of embeddings of more than one column, or every parameter of a model that has one, is filled by `normal_` with a standard deviation of at "
    "least 1 (which is what it takes where none is given) or by `uniform_` between numbers at least 3.4 apart, in code that multiplies rows of tables to "
    "scores, and normalises or scales nothing there.",
    roles=(Role.INITIALIZATION, Role.ITEM_TABLE),
    explains=("initial-scale", "not-converged", *UNLEARNED),
    sources=("github.com/pytorch/pytorch/issues/3121",),
)
WIDE = 1.0  # standard deviation; published recommenders begin with 0.01 to 0.3
OF_UNIFORM = 12**0.5  # range of a uniform number by its standard deviation
NORMALS = {"normal_", "trunc_normal_"}
PRODUCTS = {"matmul", "mm", "einsum", "bmm", "linear", "dot", "mul", "multiply", "baddbmm", "addmm"}
# What brings scores back to a scale, whatever the tables have.
SCALES = {"normalize", "cosine_similarity", "CosineSimilarity", "renorm"}
TURNED = {"t", "transpose", "permute", "squeeze", "unsqueeze"}
OF_PLACES = ("pos", "position", "positions", "positional", "time", "segment", "age", "noise")


def tables_drawn_wide(source: ParsedFile) -> Iterator[RuleHit]:
    """`nn.init.normal_(self.items.weight)`, `module.weight.data.normal_(0, 2.0)` for each `nn.Embedding`."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls_named(*NORMALS, "uniform_"):
        filled = _filled(source, call)
        spread = _spread(repo, source, call, filled)
        if filled is None or spread is None or spread < WIDE or not _is_table(repo, source, call, filled):
            continue
        if _is_scaled_later(source, call) or not _scores_by_products(repo) or _is_normalised(repo):
            continue
        yield source.hit(
            KIND.code,
            call,
            f"draws tables with a deviation of {number(spread)}, whose products are far apart before anything is learned: take a tenth or less",
        )


def _filled(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """What a call fills: the first argument of torch's functions, the object of a tensor's method."""
    full = source.full_name(call)
    if "init." in full or isinstance(call.func, ast.Name):
        return call.args[0] if call.args else keyword(call, "tensor")
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _spread(repo: Codebase, source: ParsedFile, call: ast.Call, filled: ast.expr | None) -> float | None:
    """The least standard deviation that the call may draw with; None where it is not told."""
    given = [arg for arg in call.args if arg is not filled]
    if called_name(call) == "uniform_":
        ends = [keyword(call, name) for name in ("a", "b")]
        low = ends[0] or keyword(call, "from") or (given[0] if given else None)
        high = ends[1] or keyword(call, "to") or (given[1] if len(given) > 1 else None)
        lows, highs = numbers_of(repo, source, low), numbers_of(repo, source, high)
        return (min(highs) - max(lows)) / OF_UNIFORM if lows and highs else None
    deviation = keyword(call, "std") or (given[1] if len(given) > 1 else None)
    if deviation is None:
        return WIDE
    numbers = numbers_of(repo, source, deviation)
    if called_name(call) == "trunc_normal_" and (len(given) > 2 or keyword(call, "b") is not None):
        return None  # cut, so that it is narrower than it says
    return min(numbers) if numbers else None


def _is_table(repo: Codebase, source: ParsedFile, call: ast.Call, filled: ast.expr) -> bool:
    """Whether a table of embeddings of several columns is filled, by its maker, by the class that is asked for, or with all else."""
    while isinstance(filled, ast.Attribute) and filled.attr in ("data", "weight"):
        filled = filled.value
    if isinstance(filled, ast.Subscript) or any(word.lower() in OF_PLACES for word in _pieces(filled)):
        return False
    made = repo.makers(source, filled)
    if made:
        return all(
            one.full_name == "torch.nn.Embedding"
            and whole(one.call.args[1] if len(one.call.args) > 1 else keyword(one.call, "embedding_dim")) != 1
            for one in made
        )
    return _is_asked_for(source, call, dotted(filled)) or _is_any_parameter(repo, source, filled)


def _pieces(node: ast.expr) -> list[str]:
    return [piece for word in words_of(node) for piece in word.split("_")]


def _is_asked_for(source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether the call stands under `if isinstance(module, nn.Embedding)`, alone or beside layers."""
    inner: ast.AST = call
    for outer in source.around(call):
        if isinstance(outer, ast.If) and inner in outer.body:
            tests = [one for one in source.calls_in(outer.test) if called_name(one) == "isinstance"]
            return any(
                len(one.args) == 2
                and dotted(one.args[0]) == name
                and any(dotted(part).endswith("Embedding") for part in ast.walk(one.args[1]))
                for one in tests
            )
        if isinstance(outer, ast.FunctionDef):
            return False
        inner = outer
    return False


def _is_any_parameter(repo: Codebase, source: ParsedFile, filled: ast.expr) -> bool:
    """Whether what is filled goes through all parameters of a model: `for p in model.parameters()`, under no condition on their names."""
    found = bindings(source, filled.id, filled) if isinstance(filled, ast.Name) else []
    asked = [c for b in found for c in source.calls_in(b.value)]
    chosen = any(
        isinstance(part, ast.Constant) and isinstance(part.value, str)
        for outer in source.around(filled)
        if isinstance(outer, ast.If)
        for part in ast.walk(outer.test)
    )
    everything = (
        not chosen
        and bool(asked)
        and all(called_name(c) in ("parameters", "named_parameters") for c in asked)
    )
    return everything and next(repo.calls("Embedding"), None) is not None


def _is_scaled_later(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the result is divided or multiplied where it is drawn, `torch.empty(n, d).normal_() / d`, or what was filled in the same function
    after that: `self.items.weight.data *= 0.1`, `self.items.weight.mul_(0.1)`.
    """
    outer = source.parents.get(call)
    while isinstance(outer, ast.Attribute | ast.Call):
        outer = source.parents.get(outer)
    function, name = source.function_of(call), dotted(_filled(source, call) or call).removesuffix(".data")
    if isinstance(outer, ast.BinOp | ast.AugAssign) or function is None or not name:
        return isinstance(outer, ast.BinOp | ast.AugAssign)
    changed = [one.target for one in source.within(function, ast.AugAssign)]
    changed += [
        c.func.value
        for c in source.calls_in(function)
        if isinstance(c.func, ast.Attribute) and c.func.attr in ("mul_", "div_", "copy_")
    ]
    return any(dotted(one).removesuffix(".data") == name for one in changed)


@once
def _scores_by_products(repo: Codebase) -> bool:
    """Whether rows of tables are multiplied: a whole table, transposed, or a look-up and what is summed up with it."""
    for file in repo.files:
        for part in file.within(file.nodes[0], ast.BinOp):
            sides = (part.left, part.right)
            summed = isinstance(part.op, ast.Mult) and _is_summed(file, part)
            multiplied = isinstance(part.op, ast.MatMult) or summed
            if (
                multiplied
                and not _is_scaled(file, part)
                and any(_reads_weight(file, side) or _is_look_up(repo, file, side) for side in sides)
            ):
                return True
    return any(
        _reads_weight(made.file, given) or (made.name != "linear" and _is_look_up(repo, made.file, given))
        for made in repo.calls(*PRODUCTS)
        for given in made.call.args
    )


def _is_scaled(file: ParsedFile, product: ast.BinOp) -> bool:
    """Whether a product is divided or multiplied by a number where it is made: `(u * v).sum(-1) / d ** 0.5`."""
    outer: ast.AST | None = file.parents.get(product)
    while isinstance(outer, ast.Attribute | ast.Call):
        outer = file.parents.get(outer)
    return isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Div | ast.Mult)


def _is_summed(file: ParsedFile, product: ast.BinOp) -> bool:
    """`(a * b).sum(-1)`, `torch.sum(a * b, dim=1)`"""
    outer = file.parents.get(product)
    if isinstance(outer, ast.Attribute):
        return outer.attr == "sum"
    return isinstance(outer, ast.Call) and called_name(outer) == "sum"


def _reads_weight(file: ParsedFile, node: ast.expr) -> bool:
    """`self.items.weight`, transposed or cut."""
    found = [node]
    if isinstance(node, ast.Name):
        found = [b.value for b in bindings(file, node.id, node)]
    return any(
        isinstance(part, ast.Attribute) and part.attr == "weight" and isinstance(part.value, ast.Attribute | ast.Name)
        for one in found
        for part in ast.walk(one)
    )  # fmt: skip


def _is_look_up(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    """Whether an expression reads rows of a table, here or where its name is bound."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TURNED:
        node = node.func.value
    found = [node]
    if isinstance(node, ast.Name):
        found = [b.value for b in bindings(file, node.id, node)]
    return any(
        isinstance(call, ast.Call)
        and bool(made := repo.makers(file, call.func))
        and all(one.full_name == "torch.nn.Embedding" or _has_table(repo, one.name) for one in made)
        for one in found
        for call in ast.walk(one)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute | ast.Name)
    )


def _has_table(repo: Codebase, name: str) -> bool:
    """Whether a module of the repo holds a table itself."""
    return any(
        repo.is_module(kind) and any(kind.file.full_name(c) == "torch.nn.Embedding" for c in kind.file.calls_in(kind.node))
        for kind in repo.classes.get(name, [])
    )  # fmt: skip


@once
def _is_normalised(repo: Codebase) -> bool:
    """Whether anything in the repo brings rows or scores to a fixed length."""
    return any(made.full_name.startswith("torch.") for made in repo.calls(*SCALES)) or any(
        keyword(made.call, "max_norm") is not None for made in repo.calls("Embedding")
    )


RULE = Rule(kind=KIND, run=tables_drawn_wide)
