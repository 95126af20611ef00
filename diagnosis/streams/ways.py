"""How far it is from a look-up to the loss, in the traced step."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from diagnosis.examination import Stream
from diagnosis.flow import Flow
from diagnosis.operations import ADDING, JOINING, SUBTRACTING

LOOKS_UP = ("embedding", "__getitem__")


def way_to_loss(trace: Mapping[str, Any]) -> Callable[[Stream], int]:
    """How many calls lie at least between a stream's look-up and `backward`; 0 where the trace does not know it.

    What a model reads goes through its encoder, what it is compared with does not.
    """
    flow = Flow(trace)
    distance = _distances(flow)
    ways: dict[tuple[str, int], int] = {}
    for index, op in enumerate(flow.ops):
        if op["phase"] == "train" and index in distance and op["function"] in LOOKS_UP:
            key = (op["path"], op["line"])
            ways[key] = max(ways.get(key, 0), distance[index])
    return lambda stream: ways.get((stream.place.path, stream.place.line), 0)


def read_together(trace: Mapping[str, Any]) -> Callable[[Stream, Stream], bool]:
    """Whether what two streams look up first meets in a sum or a concatenation, as parts of what a model reads do; a target meets
    what is read in a product, a difference or a loss.
    """
    flow = Flow(trace)
    at: dict[tuple[str, int], list[int]] = {}
    for index, op in enumerate(flow.ops):
        if op["phase"] == "train" and op["function"] in LOOKS_UP:
            at.setdefault((op["path"], op["line"]), []).append(index)

    def ask(one: Stream, other: Stream) -> bool:
        places = [(stream.place.path, stream.place.line) for stream in (one, other)]
        if places[0] == places[1]:
            return False
        begin = [at.get(place, ()) for place in places]
        if not all(begin):
            return False
        both = set(flow.downstream(begin[0])) & set(flow.downstream(begin[1]))
        # what a step keeps for the next one leads back to calls before the look-ups
        after = [op for op in both if op > max(map(min, begin))]
        return bool(after) and flow.ops[min(after)]["function"] in (ADDING - SUBTRACTING) | JOINING

    return ask


def _distances(flow: Flow) -> dict[int, int]:
    """Calls between each call and the nearest `backward`."""
    distance = dict.fromkeys(flow.backward, 0)
    queue = deque(flow.backward)
    while queue:
        op = queue.popleft()
        for source in {s for slot in flow.ops[op]["inputs"] for s in slot if s.startswith("o")}:
            before = int(source[1:])
            if before not in distance:
                distance[before] = distance[op] + 1
                queue.append(before)
    return distance
