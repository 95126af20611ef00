"""Static rule: a schedule of the learning rate that nothing in the repo ever steps."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.steps import is_scheduler
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="schedule-never-stepped",
    found_by=FoundBy.RULE,
    title="The schedule is never stepped",
    why="The learning rate stays where the schedule begins: at a fraction of it where it warms up, and without decay.",
    definition="A schedule of torch is kept under a name that is stepped nowhere in the repo, and neither returned nor handed on.",
    roles=(Role.OPTIMIZER,),
    explains=("learning-rate-too-low", *UNTRAINED, *WEAK),
)


def unstepped_schedule(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.scheduler = LambdaLR(self.optimizer, warm)` where nothing calls `.step()` on a scheduler."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for call in source.calls:
        name = _kept_as(source, call) if is_scheduler(source.full_name(call)) else ""
        if name and name not in _uses(repo):
            yield source.hit(
                KIND.code,
                call,
                f"nothing calls {name}.step(): the learning rate stays where the schedule begins",
            )


def _kept_as(source: ParsedFile, call: ast.Call) -> str:
    """The last name of what one schedule is assigned to; "" where it is kept otherwise."""
    statement = source.parents.get(call)
    target = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
    return dotted(target).rpartition(".")[2] if isinstance(target, ast.Name | ast.Attribute) else ""


@once
def _uses(repo: Codebase) -> set[str]:
    """The last names of all that is read in the repo other than to look at an attribute of it that is no `step`.

    What is handed on, returned or kept elsewhere may be stepped there, and so may what is taken by a name.
    """
    found: set[str] = set()
    for file in repo.files:
        for node in file.within(file.nodes[0], ast.Name, ast.Attribute):
            outer = file.parents.get(node)
            looked_at = isinstance(outer, ast.Attribute) and outer.value is node and outer.attr != "step"
            if isinstance(node.ctx, ast.Load) and not looked_at:
                found.add(node.attr if isinstance(node, ast.Attribute) else node.id)
        for call in file.calls:
            found |= {a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


RULE = Rule(kind=KIND, run=unstepped_schedule)
