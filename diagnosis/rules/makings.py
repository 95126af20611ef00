"""Which constructor calls run an `__init__` that several classes have from above, and which fill a list that begins empty."""

import ast
from typing import TYPE_CHECKING

from diagnosis.rules.definitions import Defined, Made, is_super_init
from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import called_name, dotted

if TYPE_CHECKING:
    from diagnosis.rules.codebase import Codebase


def makings_of(repo: "Codebase", kind: Defined, init: Defined) -> list[Made]:
    """The calls that run an `__init__` for objects of a class and of those below it, and of no other that has it from above."""
    own = {kind.node: kind}
    waiting = [kind]
    while waiting:
        for d in repo.below.get(getattr(waiting.pop().node, "name", ""), []):
            if d.node not in own:
                own[d.node] = d
                waiting.append(d)
    related = own | {d.node: d for d in repo.lineage(kind)}
    found: list[Made] = []
    for node, d in related.items():
        first = repo.method(d, "__init__")
        if first is None or first.node is not init.node:
            continue
        for made in repo.constructions.get(getattr(node, "name", ""), []):
            around = repo.class_around(made.file, made.call) if is_super_init(made.call) else d
            if around is not None and around.node in (related if around is not d else own):
                found.append(made)
    return found


def appended(file: ParsedFile, named: ast.expr, value: ast.expr) -> list[ast.expr]:
    """What is added one by one to a list that begins empty, `self.blocks = nn.ModuleList()`, and is called `self.blocks` or `blocks`."""
    name = dotted(named)
    empty = (
        not value.args and called_name(value) in ("ModuleList", "list")
        if isinstance(value, ast.Call)
        else False
    )
    if not name or not (empty or (isinstance(value, ast.List) and not value.elts)):
        return []
    scope = next((o for o in file.around(value) if isinstance(o, ast.ClassDef)), None)
    scope = scope if name.startswith("self.") else file.function_of(value)
    return [
        call.args[0]
        for call in file.calls_named("append")
        if len(call.args) == 1
        and isinstance(call.func, ast.Attribute)
        and dotted(call.func.value) == name
        and (scope is None or scope in file.around(call))
    ]
