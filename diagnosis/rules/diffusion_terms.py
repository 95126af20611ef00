"""Static rules on diffusion: noise that is mixed by another law than the one it is taken off by, and guidance that leads away."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Loop, ParsedFile
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import bindings, names_in, parameters, same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

_UNSEEN = "What is restored from is then nothing that the net has seen in training."
MIXED = FindingKind(
    code="noise-not-by-roots",
    found_by=FoundBy.RULE,
    title="Signal and noise are mixed by variances",
    why=_UNSEEN,
    definition="A signal times the share of variance that is kept, plus normal noise times the rest of it, in a repo that takes the "
    "roots of the same shares elsewhere.",
    roles=(Role.LOSS,),
    explains=WEAK,
    sources=("Ho et al., 2020",),
)
LAW = FindingKind(
    code="noise-not-normal",
    found_by=FoundBy.RULE,
    title="Noise of another law than the normal one",
    why="Uniform numbers have a mean of a half and a twelfth of the variance, which the schedule does not reckon with.",
    definition="Uniform numbers times the root of a variance, added to a signal times the root of the rest.",
    roles=(Role.LOSS,),
    explains=WEAK,
    sources=("Ho et al., 2020",),
)
SCHEDULE = FindingKind(
    code="noise-not-accumulated",
    found_by=FoundBy.RULE,
    title="Shares of single steps are not multiplied up",
    why="At the last step most of the signal is left, and restoring begins with none.",
    definition="A table of 1 - beta by whose roots signal and noise are mixed at once for any step, without a product over the steps.",
    roles=(Role.LOSS,),
    explains=WEAK,
    sources=("Ho et al., 2020",),
)
STEP = FindingKind(
    code="step-told-beside",
    found_by=FoundBy.RULE,
    title="The net is told another step than its input is at",
    why="Each input is taken for one with more or less noise, and one of the steps was never learned.",
    definition="A loop over the steps of a diffusion that hands the net its step plus or minus a number, reads its tables at the step, "
    "and follows a training that gives both the same step.",
    roles=(Role.ENCODER,),
    explains=WEAK,
)
AWAY = FindingKind(
    code="guidance-turned",
    found_by=FoundBy.RULE,
    title="Guidance leads away from the history",
    why="The prediction that ignores the user is strengthened, and the one that knows him is taken off.",
    definition="(1 + w) times a prediction without a condition minus w times the one with it.",
    roles=(Role.ENCODER,),
    explains=WEAK,
    sources=("Ho and Salimans, 2022",),
)
NORMAL = {"randn", "randn_like", "normal", "standard_normal"}
UNIFORM = {"rand", "rand_like"}
MADE = ("full", "full_like", "tensor", "as_tensor")
STEPS = ("t", "ts", "step", "steps", "timestep", "timesteps")
OF_ALL_STEPS = ("bar", "hat", "bars", "cum", "cumulative", "total", "all", "prod", "product")
NOTHING = ("nobody", "null", "uncond", "unconditional", "empty", "none", "nothing", "blank")


def diffusion_terms(source: ParsedFile) -> Iterator[RuleHit]:
    """Sums of a signal and of noise, each times its share; `(1 + w) * without - w * with_history`."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls_named(*NORMAL, *UNIFORM):
        if (mixed := _mixed(source, call)) is not None:
            yield from _judged(repo, source, call, *mixed)
    yield from _steps(source)
    for part in source.within(source.nodes[0], ast.BinOp):
        if isinstance(part.op, ast.Sub) and (sides := _guided(part)) is not None:
            with_ = _ignores_history(source, sides[0], sides[1])
            without = _ignores_history(source, sides[1], sides[0])
            if with_ and not without:
                yield source.hit(
                    AWAY.code,
                    part,
                    "strengthens the prediction without the history and takes off the one with it: exchange the two",
                )


def _mixed(source: ParsedFile, call: ast.Call) -> tuple[ast.BinOp, ast.expr, ast.expr] | None:
    """The sum that noise is a part of, the factor of the signal and the factor of the noise."""
    noise: ast.expr = call
    outer = source.parents.get(call)
    if isinstance(outer, ast.Assign) and len(outer.targets) == 1 and isinstance(outer.targets[0], ast.Name):
        name, function = outer.targets[0].id, source.function_of(call)
        uses = [
            part
            for part in (source.within(function, ast.Name) if function is not None else [])
            if part.id == name and isinstance(source.parents.get(part), ast.BinOp)
        ]
        if len(uses) != 1:
            return None
        noise, outer = uses[0], source.parents.get(uses[0])
    if not isinstance(outer, ast.BinOp) or not isinstance(outer.op, ast.Mult):
        return None
    factor = outer.left if outer.right is noise else outer.right
    total = source.parents.get(outer)
    if not isinstance(total, ast.BinOp) or not isinstance(total.op, ast.Add):
        return None
    signal = total.left if total.right is outer else total.right
    if not isinstance(signal, ast.BinOp) or not isinstance(signal.op, ast.Mult):
        return None
    for kept in (signal.left, signal.right):
        rest = _rest_of(_squared(factor) or factor)
        if rest is not None and same(_squared(kept) or kept, rest):
            return total, kept, factor
    return None


def _squared(node: ast.expr) -> ast.expr | None:
    """`x` of `x.sqrt()`, `torch.sqrt(x)`, `x ** 0.5`; None of anything else."""
    if isinstance(node, ast.Call) and called_name(node) == "sqrt":
        library = isinstance(node.func, ast.Attribute) and dotted(node.func.value) in (
            "torch",
            "np",
            "numpy",
            "math",
        )
        return (
            node.args[0]
            if node.args
            else node.func.value
            if isinstance(node.func, ast.Attribute) and not library
            else None
        )
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and getattr(node.right, "value", None) == 0.5
    ):
        return node.left
    return None


def _rest_of(node: ast.expr) -> ast.expr | None:
    """`x` of `1 - x`."""
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and getattr(node.left, "value", None) == 1
    ):
        return node.right
    return None


def _judged(
    repo: Codebase, source: ParsedFile, call: ast.Call, total: ast.BinOp, kept: ast.expr, factor: ast.expr
) -> Iterator[RuleHit]:
    rooted = _squared(kept) is not None and _squared(factor) is not None
    uniform = called_name(call) in UNIFORM
    share = _squared(kept) or kept
    table = _table(source, share)
    if rooted and uniform:
        yield source.hit(
            LAW.code,
            total,
            "adds uniform noise where the roots of a variance reckon with normal noise: use randn",
        )
    if (
        not rooted
        and _squared(kept) is None
        and not uniform
        and table
        and _is_read_at_a_step(source, share)
        and _is_rooted_elsewhere(repo, total, table)
    ):
        yield source.hit(
            MIXED.code,
            total,
            f"mixes by shares of {table}, whose roots are taken elsewhere: take the roots here as well",
        )
    at_any_step = table and not _is_one_step_of_many(source, total, share)
    if rooted and at_any_step and (made := _single_steps(repo, table)) is not None:
        file, value = made
        if file.path == source.path:
            yield source.hit(
                SCHEDULE.code,
                value,
                "is the share that single steps keep: multiply them up by cumprod to mix for any step at once",
            )


def _is_read_at_a_step(source: ParsedFile, share: ast.expr) -> bool:
    """Whether a share is read from a table or an attribute; a plain number of a function says nothing of another's of its name."""
    values = [share, *(b.value for n in names_in(share) for b in bindings(source, dotted(n), n))]
    return any(
        isinstance(part, ast.Subscript | ast.Attribute) for value in values for part in ast.walk(value)
    )


def _is_one_step_of_many(source: ParsedFile, total: ast.BinOp, share: ast.expr) -> bool:
    """Whether a loop goes from step to step and adds a step's noise to what the last one gave."""
    values = [share, *(b.value for n in names_in(share) for b in bindings(source, dotted(n), n))]
    read = {dotted(n) for value in values for n in names_in(value)}
    statement = next((o for o in source.around(total) if isinstance(o, ast.Assign)), None)
    kept = {dotted(t) for t in getattr(statement, "targets", [])} - {""}
    return any(
        isinstance(outer, ast.For) and {dotted(n) for n in names_in(outer.target)} & read
        for outer in source.around(total)
    ) or bool(kept & {dotted(n) for n in names_in(total)})


def _table(source: ParsedFile, node: ast.expr) -> str:
    """The attribute or name of the table that a share is read from: `kept` of `self.kept[t].unsqueeze(1)`."""
    for _ in range(4):
        if isinstance(node, ast.Call):
            node = (
                node.args[0]
                if isinstance(node.func, ast.Name) and node.args
                else getattr(node.func, "value", node)
            )
        elif isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Name):
            made = [b.value for b in bindings(source, node.id, node) if b.position is None]
            if len(made) != 1 or not any(isinstance(p, ast.Subscript) for p in ast.walk(made[0])):
                return node.id
            node = made[0]
        else:
            break
    return dotted(node).rpartition(".")[2]


def _is_rooted_elsewhere(repo: Codebase, total: ast.BinOp, table: str) -> bool:
    inside = {*ast.walk(total)}
    for made in repo.calls("sqrt"):
        if made.call in inside:
            continue
        value = _squared(made.call)
        inner = _rest_of(value) if value is not None else None
        if value is not None and _table(made.file, inner or value) == table:
            return True
    return False


def _single_steps(repo: Codebase, table: str) -> tuple[ParsedFile, ast.stmt] | None:
    """Where a table is made as 1 - beta, if it is made nowhere else and nothing in the repo multiplies steps up."""
    if next(repo.calls("cumprod", "cumulative_product", "cumsum"), None) is not None:
        return None
    found = []
    for file in repo.files:
        for statement in file.within(file.nodes[0], ast.Assign):
            if any(dotted(t).rpartition(".")[2] == table for t in statement.targets):
                found.append((file, statement))
    own = [
        pair
        for pair in found
        if (beta := _rest_of(pair[1].value)) is not None and _is_of_single_steps(pair[0], beta)
    ]
    others = [
        pair
        for pair in found
        if pair not in own and not any(isinstance(p, ast.Subscript) for p in ast.walk(pair[1].value))
    ]
    return own[0] if len(own) == 1 and not others else None


def _is_of_single_steps(file: ParsedFile, beta: ast.expr) -> bool:
    """Whether the noise of single steps is meant: a beta, whose values rise evenly or are not seen to be made, and that does not say
    that it holds all steps before."""
    name = dotted(beta)
    words = name.lower().replace(".", "_").split("_")
    if not any(word.startswith("beta") for word in words) or any(word in OF_ALL_STEPS for word in words):
        return False
    made = [b.value for b in bindings(file, name, beta) if b.position is None]
    return not made or any(
        called_name(c) in ("linspace", "full") for value in made for c in file.calls_in(value)
    )


def _steps(source: ParsedFile) -> Iterator[RuleHit]:
    """`t = torch.full((n,), step + 1)` beside `self.kept[step]`, in a loop over steps, downwards."""
    for loop in source.loops:
        if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name) or not _falls(loop):
            continue
        name = loop.target.id
        for call in source.within(loop, ast.Call):
            if called_name(call) not in MADE:
                continue
            told = next((a for a in _given(call) if _is_moved(a, name)), None)
            plain = any(
                called_name(c) in MADE and name in map(dotted, _given(c))
                for c in source.within(loop, ast.Call)
            )
            if told is None or plain or not _is_told(source, loop, call) or _counts_otherwise(source, loop):
                continue
            if _reads_at(source, loop, name) and _trains_alike(source):
                yield source.hit(
                    STEP.code,
                    call,
                    f"tells the net {ast.unparse(told)} where its input is at {name}: tell it {name}",
                )


def _given(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call, lists opened."""
    return [p for a in call.args for p in (a.elts if isinstance(a, ast.List) else [a])]


def _is_told(source: ParsedFile, loop: Loop, made: ast.Call) -> bool:
    """Whether a step is handed to the net, beside its input, rather than looked up in a table."""
    statement = source.parents.get(made)
    kept = dotted(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    for call in source.within(loop, ast.Call):
        if call is made or len(call.args) + len(call.keywords) < 2:
            continue
        given = [*call.args, *(k.value for k in call.keywords)]
        if made in given or (kept and kept in map(dotted, given)):
            return True
    return False


def _counts_otherwise(source: ParsedFile, loop: Loop) -> bool:
    """Whether a step is moved elsewhere in the file, as where training counts from 1: `net(x, t + 1)`, `self.kept[t - 1]`."""
    inside = {*source.within(loop, ast.BinOp)}
    return any(
        part not in inside and dotted(part.left) in STEPS and _is_moved(part, dotted(part.left))
        for part in source.within(source.nodes[0], ast.BinOp)
    ) or any(
        called_name(call) == "randint" and len(call.args) > 2 and whole(call.args[0]) == 1
        for call in source.calls_named("randint")
    )


def _falls(loop: ast.For) -> bool:
    given = loop.iter
    if isinstance(given, ast.Call) and called_name(given) == "reversed":
        return True
    return (
        isinstance(given, ast.Call) and called_name(given) == "range" and len(given.args) == 3 and whole(given.args[2]) == -1
        and whole(given.args[1]) == -1
    )  # fmt: skip


def _is_moved(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and dotted(node.left) == name
        and whole(node.right) == 1
    )  # fmt: skip


def _reads_at(source: ParsedFile, loop: Loop, name: str) -> bool:
    return any(dotted(part.slice) == name for part in source.within(loop, ast.Subscript))


def _trains_alike(source: ParsedFile) -> bool:
    """Whether tables are read elsewhere at a step `t` that is given as it is: no other place adds a number to one."""
    return any(
        dotted(part.slice) in STEPS
        for function in source.functions
        for part in source.within(function, ast.Subscript)
        if dotted(part.slice) in parameters(function)
    )


def _guided(part: ast.BinOp) -> tuple[ast.expr, ast.expr] | None:
    """The predictions of `(1 + w) * a - w * b`, in this order."""
    if not all(isinstance(s, ast.BinOp) and isinstance(s.op, ast.Mult) for s in (part.left, part.right)):
        return None
    assert isinstance(part.left, ast.BinOp) and isinstance(part.right, ast.BinOp)
    for weight, first in ((part.left.left, part.left.right), (part.left.right, part.left.left)):
        more = isinstance(weight, ast.BinOp) and isinstance(weight.op, ast.Add)
        if not more or not isinstance(weight, ast.BinOp):
            continue
        sides = (weight.left, weight.right)
        for one, w in (sides, sides[::-1]):
            if getattr(one, "value", None) == 1 and isinstance(w, ast.Name | ast.Attribute):
                for other, second in (
                    (part.right.left, part.right.right),
                    (part.right.right, part.right.left),
                ):
                    if dotted(other) == dotted(w):
                        return first, second
    return None


def _ignores_history(source: ParsedFile, node: ast.expr, beside: ast.expr) -> bool:
    """Whether a prediction is one without a condition: an argument of it, or its own name, says so.

    beside: the other prediction, which has a condition in the place of the argument.
    """
    if isinstance(node, ast.Name):
        if _says_nothing(node.id):
            return True
        made = [b.value for b in bindings(source, node.id, node) if b.position is None]
        return len(made) == 1 and isinstance(made[0], ast.Call) and _ignores_history(source, made[0], beside)
    if not isinstance(node, ast.Call):
        return False
    for given in _differing(source, node, beside):
        if isinstance(given, ast.Constant) and given.value is None:
            return True
        if any(_says_nothing(dotted(name).rpartition(".")[2]) for name in names_in(given)) or any(
            isinstance(p, ast.Attribute) and _says_nothing(p.attr) for p in ast.walk(given)
        ):
            return True
        made = [
            b.value
            for n in names_in(given)
            for b in bindings(source, dotted(n), n)
            if isinstance(n, ast.Name)
        ]
        if any(
            called_name(c) in ("zeros_like", "zeros", "new_zeros")
            or any(_says_nothing(w) for w in dotted(c.func).split("."))
            for value in made
            for c in source.calls_in(value)
        ):
            return True
    return False


def _differing(source: ParsedFile, call: ast.Call, beside: ast.expr) -> list[ast.expr]:
    """The arguments of a call in whose place the other prediction's has something else; all where that one is not a call."""
    made = (
        [b.value for b in bindings(source, dotted(beside), beside)]
        if isinstance(beside, ast.Name)
        else [beside]
    )
    other = made[0] if len(made) == 1 else None
    if not isinstance(other, ast.Call):
        return [*call.args, *(k.value for k in call.keywords)]
    named = {k.arg: k.value for k in other.keywords}
    pairs = [*zip(call.args, other.args), *((k.value, named[k.arg]) for k in call.keywords if k.arg in named)]
    return [one for one, two in pairs if not same(one, two)]


def _says_nothing(word: str) -> bool:
    return any(piece in NOTHING for piece in word.lower().split("_"))


RULE = Rule(kind=MIXED, beside=(LAW, SCHEDULE, STEP, AWAY), run=diffusion_terms)
