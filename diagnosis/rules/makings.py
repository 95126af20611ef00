"""Which constructor calls run an `__init__` that several classes have from above."""

from typing import TYPE_CHECKING

from diagnosis.rules.definitions import Defined, Made, is_super_init

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
