"""Repair of users that are drawn alike: they are drawn by how many events they have, so that every event counts alike."""

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    argument,
    bare,
    call_name,
    dotted,
    fresh_name,
    loaded_names,
    statements,
)
from evolution.recipes.flow import own_lines
from evolution.recipes.repairs.repair import Changes, Place, Repair

NUMPY = ("np.random", "numpy.random")


def _by_events(place: Place) -> Changes:
    """`np.random.choice(N, K, p=...)` for `np.random.randint(0, N, K)`, where the drawn users' events are a list of lists."""
    source, block = place.source, place.block()
    for line in own_lines(block):
        part = line.body[0] if len(line.body) == 1 else None
        if not (source.trains(line) and isinstance(part, cst.Assign) and len(part.targets) == 1):
            continue
        name, draw = dotted(part.targets[0].target), bare(part.value)
        drawn = _users_drawn(source, draw)
        if not name or drawn is None or not isinstance(draw, cst.Call):
            continue
        events = _events_of(source, block, name)
        if not events:
            continue
        owner, (n_users, size) = dotted(draw.func).rpartition(".")[0], drawn
        counts = fresh_name(loaded_names(block), "counts", "events_of_user")
        head = owner.partition(".")[0]
        user = events[1]
        new = statements(
            [
                "# users by their number of events: drawn alike, an active user's event would hardly be learned from",
                f"{counts} = {head}.array([len({events[0]}[{user}]) for {user} in range({n_users})])",
                f"{name} = {owner}.choice({n_users}, {size}, p={counts} / {counts}.sum())",
            ]
        )
        new[0] = new[0].with_changes(leading_lines=[*line.leading_lines, *new[0].leading_lines])
        return {line: [*new]}
    return {}


def _users_drawn(source: RecipeFile, node: cst.BaseExpression) -> tuple[str, str] | None:
    """(how many users there are, how many are drawn) of `np.random.randint(0, N, K)` and `np.random.randint(N, size=K)`."""
    if not isinstance(node, cst.Call) or call_name(node) != "randint":
        return None
    if dotted(node.func).rpartition(".")[0] not in NUMPY:
        return None
    low, high, size = (argument(node, name, at) for at, name in enumerate(("low", "high", "size")))
    if low is None or size is None:
        return None
    if high is None:
        return source.code(low), source.code(size)
    return (source.code(high), source.code(size)) if source.code(low) == "0" else None


def _events_of(source: RecipeFile, block: cst.CSTNode, users: str) -> tuple[str, str] | None:
    """(code of the lists, the loop's name of a user) where a loop over the drawn users takes `lists[user]`."""
    for loop in source.all_of(cst.For, block):
        if not isinstance(loop.target, cst.Name) or dotted(loop.iter) != users:
            continue
        for line in source.all_of(cst.SimpleStatementLine, loop.body):
            part = line.body[0]
            value = bare(part.value) if isinstance(part, cst.Assign) else None
            if isinstance(value, cst.Subscript) and dotted(value.value) and len(value.slice) == 1:
                index = value.slice[0].slice
                if isinstance(index, cst.Index) and dotted(index.value) == loop.target.value:
                    return dotted(value.value), loop.target.value
    return None


BY_EVENTS = Repair(
    code="users-by-events",
    title="Draw users by their number of events",
    rationale="Where users are drawn alike, an event of an active user is learned from far less often than others.",
    triggers=frozenset({"users-drawn-uniformly"}),
    needs="users that `np.random.randint` draws, and a list of each user's events",
    note="As many are drawn as before; every event is as likely as any other.",
    mend=_by_events,
)
