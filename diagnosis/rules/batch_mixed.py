"""Static rule: a module that normalises over the batch, or keeps no statistics for evaluation."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.reach import contract, reached
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.tensor_calls import Operation, operation, whole
from diagnosis.rules.values import parameters
from diagnosis.rules.weights_of_batch import weights_of_batch
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="batch-mixed",
    found_by=FoundBy.RULE,
    title="Normalised over the batch",
    why="What a user is shown then depends on who else is asked for in the same batch.",
    definition="In `forward` of a module: F.normalize over axis 0, or a division by the norm over axis 0, of what was "
    "computed for the batch; or a batch norm without running statistics. Or weights of a row's events that are divided by their sum over axis 0.",
    roles=(Role.NORMALIZATION,),
    explains=("batch-companions", *WEAK),
)
THROUGH = frozenset(
    [
        "dropout",
        "tanh",
        "relu",
        "sigmoid",
        "float",
        "to",
        "contiguous",
        "clone",
        "type_as",
        "leaky_relu",
        "gelu",
        "layer_norm",
    ]
)

NORMS = ("normalize", "norm", "vector_norm")


def batch_mixed(source: ParsedFile) -> Iterator[RuleHit]:
    """Normalisations over axis 0 of the arguments of `forward`, or of what layers make of them; weights that sum to 1 over the batch."""
    repo = source.repo
    for division in weights_of_batch(source):
        yield source.hit(
            KIND.code,
            division,
            "divides the weights of a row's events by their sum over the batch: sum over axis 1",
        )
    for call in source.calls if repo else ():
        if repo is None:
            return
        full = source.full_name(call)
        if full.startswith("torch.nn.BatchNorm") and is_false(keyword(call, "track_running_stats")):
            if _is_served(repo, source, call):
                yield source.hit(
                    KIND.code, call, "takes mean and variance of whoever is in the batch, at evaluation too"
                )
            continue
        done = operation(repo, source, call) if called_name(call) in NORMS else None
        if done is not None and _is_over_batch(done) and _is_of_batch(repo, source, call, done.values[0]):
            yield source.hit(
                KIND.code, call, f"{done.name} over axis 0 mixes the users of a batch: use dim=-1"
            )


def _is_served(repo: Codebase, source: ParsedFile, made: ast.Call) -> bool:
    """Whether scoring calls the layer; of a file alone, that is taken for granted."""
    if not repo.whole:
        return True
    return any(
        any(m.call is made for m in repo.makers(place.file, call.func))
        for place in reached(repo, [score for _, score in contract(repo)])
        for call in place.file.within(place.node, ast.Call)
    )


def _is_over_batch(done: Operation) -> bool:
    """`F.normalize(x, dim=0)`, `x.norm(dim=0)`, whose second argument is the order of the norm."""
    return bool(done.values) and whole(done.option("dim", 2)) == 0


def _is_of_batch(repo: Codebase, source: ParsedFile, call: ast.Call, tensor: ast.expr) -> bool:
    kind = repo.class_around(source, call)
    if kind is None or not repo.is_module(kind) or not _has_layers(kind.file, kind.node):
        return False
    return all(_made_for_batch(repo, end.file, end.node) for end in endings(repo, source, tensor, THROUGH))


def _has_layers(file: ParsedFile, kind: ast.AST) -> bool:
    """Whether a class makes layers, which a module that is only a loss does not."""
    return any(
        full.startswith("torch.nn.")
        and not full.startswith(("torch.nn.functional.", "torch.nn.init."))
        and not full.endswith("Loss")
        for call in file.within(kind, ast.Call)
        if (full := file.full_name(call))
    )


def _made_for_batch(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether an expression is an argument of `forward`, also handed on to another method, or the answer of a layer."""
    if isinstance(node, ast.BinOp):
        ends = [e for side in (node.left, node.right) for e in endings(repo, file, side, THROUGH)]
        return any(
            _made_for_batch(repo, e.file, e.node, depth) for e in ends if not isinstance(e.node, ast.BinOp)
        )
    if isinstance(node, ast.Name):
        return depth < 3 and _is_argument(repo, file, node, depth)
    if not isinstance(node, ast.Call):
        return False
    done = operation(repo, file, node)
    return done is not None and (
        done.name in ("linear", "embedding", "cat") or done.name.startswith("torch.nn.")
    )


def _is_argument(repo: Codebase, file: ParsedFile, node: ast.Name, depth: int) -> bool:
    function = file.function_of(node)
    if function is None or node.id not in parameters(function):
        return False
    if function.name == "forward":
        return True
    given = repo.given(Defined(file=file, node=function), node.id)
    ends = [end for place, value in given for end in endings(repo, place, value, THROUGH)]
    return bool(ends) and all(_made_for_batch(repo, end.file, end.node, depth + 1) for end in ends)


RULE = Rule(kind=KIND, run=batch_mixed)
