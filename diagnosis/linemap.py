"""Maps the lines of a text to their places in a later version of it; fast on long files, whatever was changed.

A plain longest-match search takes minutes on a file of 10,000 lines of which many are alike. Here lines that occur
once in both texts are matched first, in order (the idea of Bram Cohen's patience diff); only the short gaps that are
left are searched. The usual case, two texts that differ in some lines only, is tried before that.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, pairwise
from operator import eq

GONE = -1
STRIDE = 256
Moves = tuple[list[int], int]  # as `moved_lines` returns them
MOST_PAIRS = (
    40_000  # a gap without a unique line is searched up to this size (lines of one text x of the other)
)


def moved_lines(old: Sequence[str], new: Sequence[str]) -> Moves:
    """(places, number of lines of `new`): places holds, for each line of `old`, its index in `new` or GONE."""
    places = [GONE] * len(old)
    for a, b, size in matching_blocks(old, new):
        places[a : a + size] = range(b, b + size)
    return places, len(new)


def matching_blocks(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """(a, b, size) with old[a : a + size] == new[b : b + size], in order in both, not overlapping."""
    found: list[tuple[int, int, int]] = []
    gaps = [(0, len(old), 0, len(new))]
    while gaps:
        a, a_end, b, b_end = gaps.pop()
        head = _same(old, new, a, b, min(a_end - a, b_end - b), 1)
        tail = _same(old, new, a_end - 1, b_end - 1, min(a_end - a, b_end - b) - head, -1)
        found += [(a, b, head)] * (head > 0) + [(a_end - tail, b_end - tail, tail)] * (tail > 0)
        a, b, a_end, b_end = a + head, b + head, a_end - tail, b_end - tail
        if a == a_end or b == b_end:
            continue
        if blocks := _side_by_side(old[a:a_end], new[b:b_end]):
            found += [(a + i, b + j, size) for i, j, size in blocks]
        elif anchors := _unique_in_order(old[a:a_end], new[b:b_end]):
            at_a, at_b = a, b
            for i, j, size in _stretches(anchors):
                gaps += [(at_a, a + i, at_b, b + j), (a + i, a + i + size, b + j, b + j + size)]
                at_a, at_b = a + i + size, b + j + size
            gaps.append((at_a, a_end, at_b, b_end))
        elif (a_end - a) * (b_end - b) <= MOST_PAIRS:
            matcher = SequenceMatcher(None, old[a:a_end], new[b:b_end], autojunk=False)
            found += [(a + m.a, b + m.b, m.size) for m in matcher.get_matching_blocks() if m.size]
    return sorted(found)


def changes(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """(a, b, c, d): old[a:b] became new[c:d]; everything else is the same."""
    found: list[tuple[int, int, int, int]] = []
    at_a = at_b = 0
    for a, b, size in [*matching_blocks(old, new), (len(old), len(new), 0)]:
        if at_a < a or at_b < b:
            found.append((at_a, a, at_b, b))
        at_a, at_b = a + size, b + size
    return found


def _same(old: Sequence[str], new: Sequence[str], a: int, b: int, most: int, step: int) -> int:
    """How many lines are equal from old[a] and new[b] on, at most `most`; step -1 counts backwards."""
    count = 0
    while count + STRIDE <= most and _slice(old, a, count, step) == _slice(new, b, count, step):
        count += STRIDE
    while count < most and old[a + step * count] == new[b + step * count]:
        count += 1
    return count


def _slice(lines: Sequence[str], start: int, count: int, step: int) -> Sequence[str]:
    """The next STRIDE lines. Comparing slices is many times faster than comparing line by line."""
    at = start + step * count
    return lines[at : at + STRIDE] if step > 0 else lines[at - STRIDE + 1 : at + 1]


def _side_by_side(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Blocks of two texts that are equal line by line once their ends or their starts are aligned.

    Returns [] if more than a quarter of the lines differ, or if a line is among the differing ones of both texts.
    """
    n = min(len(old), len(new))
    for i, j in sorted({(len(old) - n, len(new) - n), (0, 0)}, reverse=True):
        same = list(map(eq, old[i : i + n], new[j : j + n]))
        if 4 * sum(same) < 3 * n:
            continue
        left = {line for line, kept in zip(old[i : i + n], same, strict=True) if not kept}.union(
            old[:i], old[i + n :]
        )
        come = {line for line, kept in zip(new[j : j + n], same, strict=True) if not kept}.union(
            new[:j], new[j + n :]
        )
        if left.isdisjoint(come):
            return list(_runs(same, i, j))
    return []


def _runs(same: Sequence[bool], i: int, j: int) -> Iterator[tuple[int, int, int]]:
    at = 0
    for kept, group in groupby(same):
        size = sum(1 for _ in group)
        if kept:
            yield i + at, j + at, size
        at += size


def _stretches(anchors: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """(i, j, size) for each run of anchors with the same distance j - i, from its first to its last anchor."""
    for _, group in groupby(anchors, key=lambda pair: pair[1] - pair[0]):
        (i, j), *rest = group
        yield i, j, (rest[-1][0] if rest else i) - i + 1


def ends(lines: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """(line -> index of its first occurrence, line -> index of its last)."""
    count = len(lines)
    first = dict(zip(reversed(lines), range(count - 1, -1, -1), strict=True))
    return first, dict(zip(lines, range(count), strict=True))


def _unique_in_order(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest run of lines that occur once in each text and have the same order in both, as (old, new) indices."""
    in_old, in_new = _once(old), _once(new)
    pairs = [(i, in_new[line]) for line, i in in_old.items() if line in in_new]
    if all(before[1] < after[1] for before, after in pairwise(pairs)):
        return pairs
    ends: list[int] = []  # by length of a run: the smallest index in `new` at which one ends
    runs: list[int] = []  # by length of a run: the pair that ends that one
    before: list[int] = []  # by pair: the pair before it in its run
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        if length == len(ends):
            ends.append(j)
            runs.append(index)
        else:
            ends[length], runs[length] = j, index
        before.append(runs[length - 1] if length else GONE)
    found: list[tuple[int, int]] = []
    at = runs[-1] if runs else GONE
    while at != GONE:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _once(lines: Sequence[str]) -> dict[str, int]:
    """line -> its index, for lines that occur once, in order."""
    first, last = ends(lines)
    return {line: place for line, place in last.items() if first[line] == place}
