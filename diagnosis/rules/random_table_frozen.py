"""Static rule: an embedding that is made of random numbers and frozen."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import operation
from diagnosis.symptoms import UNTRAINED, WEAK

KIND = FindingKind(
    code="random-table-frozen",
    found_by=FoundBy.RULE,
    title="A random table is frozen",
    why="`Embedding.from_pretrained` freezes its table unless it is told otherwise; random numbers are never learned.",
    definition="nn.Embedding.from_pretrained of random numbers or zeros without freeze=False.",
    roles=(Role.ITEM_TABLE,),
    explains=("frozen-at-random", *UNTRAINED, *WEAK),
)
RANDOM = {
    "randn",
    "rand",
    "normal",
    "zeros",
    "empty",
    "ones",
    "uniform",
    "standard_normal",
    "random",
    "xavier_uniform_",
    "xavier_normal_",
    "normal_",
    "uniform_",
    "kaiming_uniform_",
    "trunc_normal_",
    "kaiming_normal_",
}
THROUGH = frozenset(
    ("to", "float", "from_numpy", "tensor", "as_tensor", "FloatTensor", "astype", "mul", "div", "clone")
)


def random_table_frozen(source: ParsedFile) -> Iterator[RuleHit]:
    """`nn.Embedding.from_pretrained(torch.randn(...))`."""
    repo = source.repo
    for call in source.calls if repo else ():
        if repo is None or not source.full_name(call).endswith("Embedding.from_pretrained") or not call.args:
            continue
        freeze = keyword(call, "freeze") or (call.args[1] if len(call.args) > 1 else None)
        if freeze is not None and not (isinstance(freeze, ast.Constant) and freeze.value is True):
            continue
        ends = endings(repo, source, _scaled(call.args[0]), THROUGH)
        numbers = [(end.file, _scaled(end.node)) for end in ends if isinstance(end.node, ast.expr)]
        made = [operation(repo, file, node) for file, node in numbers if isinstance(node, ast.Call)]
        if ends and len(made) == len(ends) and all(done is not None and done.name in RANDOM for done in made):
            yield source.hit(
                KIND.code, call, "freezes a table of random numbers: pass freeze=False, or use nn.Embedding"
            )


def _scaled(node: ast.expr) -> ast.expr:
    """The tensor of `randn(...) * 0.1`."""
    while isinstance(node, ast.BinOp):
        node = node.right if isinstance(node.left, ast.Constant) else node.left
    return node


RULE = Rule(kind=KIND, run=random_table_frozen)
