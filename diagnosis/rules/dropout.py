"""Static rule: `F.dropout` without `training=`, whose default is True at evaluation too."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.definitions import argument_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import bindings, parameters, words_of
from diagnosis.symptoms import UNSTEADY, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="functional-dropout",
    found_by=FoundBy.RULE,
    title="Dropout at evaluation",
    why="F.dropout drops units in evaluation too unless it is told `training=`, so scores are random.",
    definition="A call of torch.nn.functional.dropout without `training`, or an nn.Dropout that is made where it is applied and "
    "so is never told to stop, or a share of an attention or of a module's values dropped by hand in every mode.",
    roles=(Role.DROPOUT,),
    explains=(*UNSTEADY, *WEAK),
)

FUNCTIONS = {
    f"torch.nn.functional.{name}"
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
}

LAYERS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d")


def functional_dropout(source: ParsedFile) -> Iterator[RuleHit]:
    """Calls that leave `training` to its default, or set it to the constant True."""
    for call in source.calls:
        if source.full_name(call) not in FUNCTIONS or any(k.arg is None for k in call.keywords):
            continue
        training = call.args[2] if len(call.args) > 2 else keyword(call, "training")
        always = isinstance(training, ast.Constant) and training.value is True
        if (training is None or always) and not (
            _is_guarded(source, call) or _is_chosen_by_rate(source, call) or _is_unused(source, call)
        ):
            yield source.hit(
                KIND.code,
                call,
                "drops units at evaluation too: pass training=self.training, or use nn.Dropout",
            )
    for call in _by_hand(source):
        yield source.hit(
            KIND.code, call, "drops at random at evaluation too: do so only where self.training is set"
        )
    for call in _made_anew(source):
        yield source.hit(
            KIND.code, call, "is a new module, which no .eval() reaches: make it once, in the constructor"
        )


def _is_unused(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the call stands in a plain function that nothing in the repo calls or hands on."""
    function, repo = source.function_of(call), source.repo
    if function is None or repo is None or not repo.whole or not repo.modules:
        return False
    if isinstance(source.parents.get(function), ast.ClassDef):
        return False
    return not any(
        node.id == function.name for file in repo.files for node in file.within(file.nodes[0], ast.Name)
    ) and not any(
        node.attr == function.name
        for file in repo.files
        for node in file.within(file.nodes[0], ast.Attribute)
    )


def _by_hand(source: ParsedFile) -> Iterator[ast.Call]:
    """`scaled_dot_product_attention(..., dropout_p=self.p)`; `torch.rand(n) < keep` and `torch.bernoulli(...)` in a module, by which parts are dropped."""
    for call in source.calls_named("scaled_dot_product_attention"):
        if dotted(call.func).startswith("self."):
            continue  # a method of the module's own
        rate = keyword(call, "dropout_p") or (call.args[4] if len(call.args) > 4 else None)
        names = rate is not None and all(dotted(part) for part in (rate,))
        if names and rate is not None and not _is_switched(source, rate) and not _is_guarded(source, call):
            yield call
    repo = source.repo
    for call in source.calls_named("rand", "bernoulli", "rand_like") if repo is not None else ():
        function, outer = source.function_of(call), source.parents.get(call)
        below = (
            isinstance(outer, ast.Compare)
            and outer.left is call
            and isinstance(outer.ops[0], ast.Lt | ast.Gt | ast.LtE | ast.GtE)
        )
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        drawn = source.full_name(call).startswith("torch.") or (
            called_name(call) == "bernoulli" and own is not None
        )
        if function is None or not drawn or not (below or called_name(call) == "bernoulli"):
            continue
        if function.name != "forward" or repo is None or not repo.is_module(repo.class_around(source, call)):
            continue
        if not _is_guarded(source, call):
            yield call


def _is_switched(source: ParsedFile, rate: ast.expr) -> bool:
    """Whether a name of a rate is 0 or chosen by the mode: `p = self.p if self.training else 0.0`."""
    found = [b.value for b in bindings(source, dotted(rate), rate)]
    function = source.function_of(rate)
    given = dotted(rate) in parameters(function) if function is not None and not found else False
    return given or any(number(value) == 0 or "training" in words_of(value) for value in found)


def _made_anew(source: ParsedFile) -> Iterator[ast.Call]:
    """`nn.Dropout(0.2)(x)`, and `drop = nn.Dropout(0.2)` that the same function calls and does not keep."""
    for made in source.calls:
        if not called_name(made).endswith(LAYERS) or not source.full_name(made).startswith("torch.nn."):
            continue
        if any(call.args and not _is_guarded(source, call) for call in _calls_of(source, made)):
            yield made


def _calls_of(source: ParsedFile, made: ast.Call) -> list[ast.Call]:
    """Where a layer is called in the function that makes it."""
    outer, function = source.parents.get(made), source.function_of(made)
    if isinstance(outer, ast.Call) and outer.func is made:
        return [outer]
    if not isinstance(outer, ast.Assign) or function is None:
        return []
    names = {target.id for target in outer.targets if isinstance(target, ast.Name)}
    calls = (call for call in source.calls_in(function) if source.function_of(call) is function)
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in names]


def _is_guarded(source: ParsedFile, node: ast.AST, follow: bool = True) -> bool:
    """Whether the caller decides: by a flag around the node, by one at which the function has already returned, or, for a
    function of the repo that torch does not call by itself, at each of its calls."""
    if any(_guarded(source, outer) for outer in source.around(node)) or _is_left_before(source, node):
        return True
    function = source.function_of(node)
    if function is None or not follow or function.name in ("forward", "__call__"):
        return False
    repo = repo_of(source)
    if isinstance(source.parents.get(function), ast.ClassDef):
        made_calls = repo.calls(function.name)
        calls = [
            m for m in made_calls if (d := callee(repo, m.file, m.call)) is not None and d.node is function
        ]
    else:
        meant = [(made, repo.callee(made.file, made.call)) for made in repo.calls(function.name)]
        calls = [made for made, called in meant if called is None or called.node is function]
    return bool(calls) and all(
        _is_in_loss(made.file, made.call) or _is_guarded(made.file, made.call, follow=False) for made in calls
    )


def _is_in_loss(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call stands in what reckons a loss, where views of a contrast are made, and which no list is served by."""
    name = getattr(source.function_of(call), "name", "").lower()
    return name in ("training_step", "train_step") or "loss" in name.split("_")


def _is_chosen_by_rate(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the rate is a parameter that is 0 by default, or that a call in the repo gives as 0 (as 1 where it is what is
    kept); and in a function of the loss, which no evaluation asks.
    """
    function = source.function_of(call)
    if function is None:
        return False
    if "loss" in function.name.lower():
        return True
    rate = call.args[1] if len(call.args) > 1 else keyword(call, "p")
    given = {part.id for part in ast.walk(rate) if isinstance(part, ast.Name)} if rate is not None else set()
    names = [name for name in parameters(function) if name not in ("self", "cls")]
    for name in given & set(names):
        calls = repo_of(source).calls(function.name)
        found = (argument_of(made, name, names.index(name)) for made in calls)
        values = [_default_of(function, name), *(value for _, value in filter(None, found))]
        if any(number(value) in (0, 1) for value in values if value is not None):
            return True
    return False


def _default_of(function: Function, name: str) -> ast.expr | None:
    spec = function.args
    plain = [*spec.posonlyargs, *spec.args]
    pairs = [
        *zip(plain[len(plain) - len(spec.defaults) :], spec.defaults),
        *zip(spec.kwonlyargs, spec.kw_defaults),
    ]
    return next((value for argument, value in pairs if argument.arg == name), None)


def _is_left_before(source: ParsedFile, node: ast.AST) -> bool:
    """Whether the function returns before the node under a flag, as in `if test: return scores`. The rate itself is no flag."""
    function = source.function_of(node)
    if function is None:
        return False
    rates = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - {"self"}
    return any(
        isinstance(statement, ast.If)
        and isinstance(statement.body[-1], ast.Return)
        and statement.lineno < getattr(node, "lineno", 0)
        and not rates & {part.id for part in ast.walk(statement.test) if isinstance(part, ast.Name)}
        and _guarded(source, statement)
        for statement in function.body
    )


def _guarded(source: ParsedFile, node: ast.AST) -> bool:
    """Whether the node is an `if` on a `training` flag, or on an argument of its function, by which the caller decides."""
    if not isinstance(node, ast.If | ast.IfExp):
        return False
    function = source.function_of(node)
    given = parameters(function) if function is not None else []
    return any(
        (isinstance(part, ast.Attribute) and part.attr == "training")
        or (isinstance(part, ast.Name) and part.id in given and part.id != "self")
        for part in ast.walk(node.test)
    )


RULE = Rule(kind=KIND, run=functional_dropout)
