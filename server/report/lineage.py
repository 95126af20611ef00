"""The tree of programs as the steps of a nested list.

Pure, and without recursion, since a run may be one long chain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Step:
    """A row in the order of the tree.

    opens: a nested list begins before the row
    parent: the row has children, which come next
    closes: the number of nested lists that end after the row
    """

    row: Mapping[str, Any]
    opens: bool
    parent: bool
    closes: int


def lineage(rows: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Order the rows as a tree.

    rows: rows of server/report/tried.py; those with parent_order -1 are the roots
    """
    below: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        below.setdefault(row["parent_order"], []).append(row)
    flat: list[tuple[int, Mapping[str, Any]]] = []
    waiting = [(0, row) for row in reversed(below.get(-1, []))]
    while waiting:
        depth, row = waiting.pop()
        flat.append((depth, row))
        waiting += [(depth + 1, child) for child in reversed(below.get(row["order"], []))]
    depths = [depth for depth, _ in flat]
    return [
        Step(row=row, opens=depth > before, parent=after > depth, closes=max(0, depth - after))
        for (depth, row), before, after in zip(flat, [0, *depths], [*depths[1:], 0], strict=False)
    ]
