"""Static rule: one random number that is repeated where each example needs its own."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.draws import DRAWS, draws_one
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="one-draw-for-all",
    found_by=FoundBy.RULE,
    title="One draw serves all examples",
    why="The whole batch is compared with one item, so that a step teaches a single contrast.",
    definition="A single drawn number that is copied along a batch: `np.full(n, randint(...))`, `randint(..., (1,)).repeat(n)`.",
    roles=(Role.NEGATIVES,),
    explains=("negatives-repeated", *WEAK),
)

FILLS = {"full", "full_like", "new_full", "repeat", "tile", "broadcast_to", "repeat_interleave"}
SPREADS = {"repeat", "expand", "expand_as", "tile", "repeat_interleave"}


def one_draw_for_all(source: ParsedFile) -> Iterator[RuleHit]:
    """Calls that copy what was drawn once, and lists such as `[random.randint(1, n)] * size`."""
    for call in source.calls:
        copied = _copied(source, call)
        if copied is not None and (drawn := _single_draw(source, copied)) is not None:
            yield _hit(source, call, drawn)
    for product in source.within(source.nodes[0], ast.BinOp):
        for side in (product.left, product.right):
            if isinstance(product.op, ast.Mult) and isinstance(side, ast.List) and len(side.elts) == 1:
                drawn = _single_draw(source, side.elts[0])
                if drawn is not None:
                    yield _hit(source, product, drawn)


def _hit(source: ParsedFile, node: ast.expr, drawn: ast.Call) -> RuleHit:
    return source.hit(
        KIND.code,
        statement_of(source, node),
        f"copies one `{called_name(drawn)}` along the batch: draw one for each",
    )


def _copied(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """What a call copies along a new axis; None for other calls."""
    name = called_name(call)
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    is_library = own is not None and dotted(own) in source.imports
    if own is not None and not is_library and name in SPREADS:
        return own
    if name not in FILLS or not call.args:
        return None
    filled = name in ("full", "full_like", "new_full")
    given = call.args[1] if filled and len(call.args) > 1 else call.args[0]
    return next((k.value for k in call.keywords if k.arg == "fill_value"), given)


def _single_draw(source: ParsedFile, node: ast.expr, steps: int = 0) -> ast.Call | None:
    """The call that drew a single number of many; None for anything else."""
    if isinstance(node, ast.Call):
        if called_name(node) in DRAWS and draws_one(node) and node.args:
            return node
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        is_method = inner is not None and dotted(inner) not in source.imports
        given = inner if is_method else (node.args or [None])[0]
        passed = called_name(node) in ("item", "int", "to", "view", "unsqueeze", "long", "astype", "reshape")
        return _single_draw(source, given, steps + 1) if passed and given is not None and steps < 6 else None
    if isinstance(node, ast.Name) and steps < 6:
        found = bindings(source, node.id, node)
        if len(found) == 1 and found[0].how is How.ASSIGNED and found[0].position is None:
            return _single_draw(source, found[0].value, steps + 1)
    return None


RULE = Rule(kind=KIND, run=one_draw_for_all)
