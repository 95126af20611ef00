"""Static rule: the state of a recurrent net that goes on from one batch to the next, whose rows are other users."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import is_training_loop, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="state-of-another-user",
    found_by=FoundBy.RULE,
    title="The state of other users goes on",
    why="Each row begins with what the net had read of whoever stood there in the batch before.",
    definition="A loop over batches gives a net the state that it returned for the batch before, detached, and sets no row of it back; or "
    "a module keeps it from call to call, and nothing in the repo sets it back.",
    roles=(Role.ENCODER, Role.LOADER),
    explains=("state-carried", "batch-companions", *WEAK),
)
SETTING_BACK = ("reset", "init", "mask", "zero", "first", "start", "fresh", "new")


def state_of_another_user(source: ParsedFile) -> Iterator[RuleHit]:
    """`logits, hidden = model(x, hidden)` and `hidden = hidden.detach()`, and nothing else of `hidden` in the loop."""
    for statement in _kept_in_module(source):
        yield source.hit(
            KIND.code,
            statement,
            "keeps the state for the next call, whose rows are other users: begin each call with a fresh state",
        )
    for loop in source.loops:
        detached = [s for s in source.within(loop, ast.Assign) if _detaches(s)]
        if (
            not detached
            or _is_of_one_sequence(source, loop)
            or not is_training_loop(source, loop, repo_of(source))
        ):
            continue
        for statement in detached:
            name = dotted(statement.targets[0])
            given = [
                c
                for c in source.calls_in(*loop.body)
                if any(dotted(a) == name for a in c.args)
                and _returns(source, c, name)
                and not _is_told_of_new(c)
            ]
            if given and not _is_set_back(source, loop, name, statement):
                yield source.hit(
                    KIND.code,
                    statement,
                    "carries the state of these rows to the next batch, whose rows are other users: begin each sequence with a fresh state",
                )


def _kept_in_module(source: ParsedFile) -> Iterator[ast.stmt]:
    """`out, self.h = self.gru(x, self.h)` in `forward`, where nothing in the repo ever sets `h` back."""
    repo = repo_of(source)
    for kind in source.within(source.nodes[0], ast.ClassDef) if repo.whole else ():
        forward = next((f for f in kind.body if isinstance(f, Function) and f.name == "forward"), None)
        if kind.name not in repo.modules or forward is None:
            continue
        for call in source.calls_in(forward):
            given = [dotted(_undetached(a)) for a in call.args[1:]]
            state = given[0] if len(given) == 1 else ""
            if (
                not state.startswith("self.")
                or state.count(".") != 1
                or not _is_recurrent(repo, source, call)
            ):
                continue
            kept = [s for s in source.within(forward, ast.Assign) if state in _targets(s)]
            if len(kept) != 1 or any(isinstance(o, ast.If) for o in source.around(kept[0])):
                continue
            if not _is_set_elsewhere(repo, source, kind, state.partition(".")[2], kept[0]):
                yield kept[0]


def _undetached(node: ast.expr) -> ast.expr:
    """`self.h` of `self.h.detach()`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "detach":
        return node.func.value
    return node


def _is_recurrent(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    made = repo.makers(source, call.func)
    nets = ("GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell")
    return bool(made) and all(m.full_name.startswith("torch.nn.") and m.name in nets for m in made)


def _targets(statement: ast.Assign) -> list[str]:
    return [dotted(p) for t in statement.targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]


def _is_set_elsewhere(
    repo: Codebase, source: ParsedFile, kind: ast.ClassDef, name: str, kept: ast.Assign
) -> bool:
    """Whether anything but the constructor and this statement writes an attribute of this name, a part of it, or names it in a text."""
    first = next((f for f in kind.body if isinstance(f, Function) and f.name == "__init__"), None)
    for file in repo.files:
        for node in file.within(file.nodes[0], ast.Attribute, ast.Constant, ast.Subscript):
            if isinstance(node, ast.Constant):
                written = node.value == name
            elif isinstance(node, ast.Attribute):
                method = isinstance(file.parents.get(node), ast.Attribute) and dotted(node) == f"self.{name}"
                written = node.attr == name and (
                    isinstance(node.ctx, ast.Store) or (method and _sets(file, node))
                )
            else:
                written = isinstance(node.ctx, ast.Store) and dotted(node.value).rpartition(".")[2] == name
            if not written or (file == source and kept in (node, *file.around(node))):
                continue
            if file != source or first is None or first not in file.around(node):
                return True
    return False


def _sets(file: ParsedFile, node: ast.Attribute) -> bool:
    """Whether a method changes an attribute in place: `self.h.zero_()`, `self.h.fill_(0)`."""
    outer = file.parents.get(node)
    return isinstance(outer, ast.Attribute) and outer.attr.endswith("_")


def _is_of_one_sequence(source: ParsedFile, loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether a loop goes along the sequences of one round of a loop around it, which begins each with a state: pieces of one user."""
    for outer in source.around(loop):
        if isinstance(outer, Function):
            return False
        if not isinstance(outer, ast.For | ast.AsyncFor):
            continue
        named = {n.id for n in ast.walk(outer.target) if isinstance(n, ast.Name)}
        taken = {name for name in named if "epoch" not in name.lower()}
        counts = isinstance(outer.iter, ast.Call) and called_name(outer.iter) in ("range", "trange", "count")
        if not counts and taken & {n.id for n in source.within(loop, ast.Name)}:
            return True
    return False


def _is_told_of_new(call: ast.Call) -> bool:
    """Whether a net is told beside the state which rows begin anew: `model(x, hidden, start_mask)`."""
    given = [*map(dotted, call.args), *(k.arg or "" for k in call.keywords)]
    return any(word in name.lower() for name in given for word in SETTING_BACK)


def _detaches(statement: ast.Assign) -> bool:
    """`hidden = hidden.detach()`, `state = tuple(s.detach() for s in state)`."""
    name, value = dotted(statement.targets[0]), statement.value
    if not name or not isinstance(value, ast.Call):
        return False
    if called_name(value) == "detach" and isinstance(value.func, ast.Attribute):
        return dotted(value.func.value) == name or (name + ".data") == dotted(value.func.value)
    loops = [p for p in ast.walk(value) if isinstance(p, ast.GeneratorExp | ast.ListComp)]
    return called_name(value) in ("tuple", "list") and any(
        dotted(p.generators[0].iter) == name for p in loops
    )


def _returns(source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether the result of a call is kept under the same name, beside something else or alone."""
    outer = source.parents.get(call)
    targets = outer.targets if isinstance(outer, ast.Assign) else []
    return any(dotted(p) == name for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t]))


def _is_set_back(
    source: ParsedFile, loop: ast.For | ast.AsyncFor | ast.While, name: str, detaching: ast.Assign
) -> bool:
    """Whether anything else in the loop writes the state or parts of it, or a call that is named after that is given it."""
    for node in source.within(loop, ast.Assign, ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Subscript) and dotted(target.value) == name:
                return True
            if dotted(target) == name and node is not detaching and not _is_first(source, node, name):
                return True
    return any(
        any(word in called_name(c).lower() for word in SETTING_BACK)
        and any(dotted(a) == name for a in c.args)
        for c in source.calls_in(*loop.body)
    )


def _is_first(source: ParsedFile, node: ast.AST, name: str) -> bool:
    """Whether a state is made where none is yet: `if hidden is None: hidden = ...`."""
    outer = source.parents.get(node)
    test = outer.test if isinstance(outer, ast.If) else None
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is) and dotted(test.left) == name


RULE = Rule(kind=KIND, run=state_of_another_user)
