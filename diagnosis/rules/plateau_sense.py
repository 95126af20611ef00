"""Static rule: a learning rate that falls when the model gets better, as the schedule waits for a figure to fall."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Made
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.named_sense import named_sense
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.symptoms import UNTRAINED, WEAK

KIND = FindingKind(
    code="plateau-of-wrong-sense",
    found_by=FoundBy.RULE,
    title="The schedule waits for the wrong turn",
    why="ReduceLROnPlateau lowers the rate whenever its figure does not fall; one that rises as the model learns never does.",
    definition="ReduceLROnPlateau, whose mode is min unless it is given, is stepped with a figure of which, by its name, more is better; "
    "or with mode max by a loss.",
    roles=(Role.OPTIMIZER,),
    explains=("learning-rate-too-low", *UNTRAINED, *WEAK),
    sources=("pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html",),
)
SCHEDULE = "ReduceLROnPlateau"


def plateau_of_wrong_sense(source: ParsedFile) -> Iterator[RuleHit]:
    """`ReduceLROnPlateau(optimizer)` and `schedule.step(ndcg)`."""
    repo = source.repo
    seen: set[ast.AST] = set()
    for call in source.calls if repo and any(True for _ in repo.calls(SCHEDULE)) else ():
        if (
            repo is None
            or not isinstance(call.func, ast.Attribute)
            or call.func.attr != "step"
            or not call.args
        ):
            continue
        for made in repo.makers(source, call.func.value):
            mode = _mode(made) if made.name == SCHEDULE else 0
            if mode and made.call not in seen and named_sense(repo, source, call.args[0]) == -mode:
                seen.add(made.call)
                yield made.file.hit(KIND.code, made.call, _message(mode))


def _mode(made: Made) -> int:
    """1 for max, -1 for min, 0 where it cannot be told."""
    given = keyword(made.call, "mode") or (made.call.args[1] if len(made.call.args) > 1 else None)
    if given is None:
        return -1 if not any(k.arg is None for k in made.call.keywords) else 0
    value = given.value if isinstance(given, ast.Constant) else None
    return {"max": 1, "min": -1}.get(str(value), 0)


def _message(mode: int) -> str:
    wrong, right = ("max", "min") if mode > 0 else ("min", "max")
    better = "lower" if mode > 0 else "higher"
    return f'waits with mode="{wrong}" on a figure that is better the {better} it is: mode="{right}"'


RULE = Rule(kind=KIND, run=plateau_of_wrong_sense, crosses=True)
