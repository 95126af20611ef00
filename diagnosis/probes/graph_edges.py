"""Whether the edges of a graph are the training events, both ways, between the right blocks, and normalised."""

import math

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.examination import Stream
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.measured import measured
from diagnosis.probes.probe import Probe
from diagnosis.streams.graph import Graph, graph
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import made
from seeds.amounts import number

_WEAK = (
    "weaker-than-popularity",
    "weaker-than-markov",
    "weaker-than-ease",
    "embedding-collapse",
    "same-list",
    "popularity-bias",
)
MISSING = FindingKind(
    code="graph-edges-missing",
    found_by=FoundBy.PROBE,
    title="Training events are no edges",
    why="Users and items whose events are missing get messages from nobody.",
    definition="Share of different pairs of user and item of the training log that are no edge.",
    roles=(Role.ENCODER,),
    explains=(*_WEAK, "no-gradient"),
)
UNKNOWN = FindingKind(
    code="graph-edges-unknown",
    found_by=FoundBy.PROBE,
    title="Edges are no training events",
    why="Messages come from users and items that never met.",
    definition="Share of edges between users and items that are no training event.",
    roles=(Role.ENCODER,),
    explains=_WEAK,
)
BLOCKS = FindingKind(
    code="graph-wrong-block",
    found_by=FoundBy.PROBE,
    title="Users and items share nodes",
    why="An item's node is another user's: both are moved by each other's messages, and the items' own nodes get none.",
    definition="Nodes that are both a user's and an item's, or items at other nodes than those that are looked up.",
    roles=(Role.ENCODER,),
    explains=(*_WEAK, "no-gradient"),
)
ONE_WAY = FindingKind(
    code="graph-one-way",
    found_by=FoundBy.PROBE,
    title="The graph has one direction only",
    why="Users hear of items and items of nobody, or the other way round.",
    definition="Share of edges between users and items whose reverse is in a square matrix too.",
    roles=(Role.ENCODER,),
    explains=(*_WEAK, "no-gradient"),
)
PLAIN = FindingKind(
    code="graph-not-normalised",
    found_by=FoundBy.PROBE,
    title="The graph is not normalised",
    why="A sum over neighbours grows with their number, so that popular nodes drown all others.",
    definition="Sum of a node's edge weights in the median, where all weights are equal or follow a positive power of the degrees.",
    roles=(Role.ENCODER,),
    explains=(*_WEAK, "initial-scale"),
)
LOOPS = FindingKind(
    code="graph-self-loops",
    found_by=FoundBy.PROBE,
    title="Nodes have edges to themselves",
    why="Simple graph models take the node itself in through the mean over layers, and a self-loop counts it twice.",
    definition="Share of nodes with an edge to themselves.",
    roles=(Role.ENCODER,),
)

FEWEST = 50  # edges
GROWING = 0.2  # power of the degrees: 0.5 where roots are multiplied by, below 0 where they are divided by
FOLLOWS = 0.9  # correlation of logarithms, for weights that are a function of the degrees
ESTIMATED = 0.1  # of the pairs may be missing where their number is an estimate
BOTH_WAYS = 0.9  # of the edges one way lead back as well
ERRORS = 3.0  # standard errors by which estimates may be off


def graph_edges(evidence: Evidence) -> list[Measurement]:
    """The edges of every graph of the watched training against the training log."""
    seen = read(evidence)
    return [] if seen is None else judged(seen)


def judged(seen: Read) -> list[Measurement]:
    """The same for a training that was read; the first graph that is understood speaks."""
    for stream in seen.watched.streams:
        if stream.kind == "edges":
            if len(stream.calls) and not len(stream.ids) and stream.rows >= seen.log.n_users:
                return [_empty(seen.log, stream)]
            read_as = graph(seen.log, stream)
            if read_as is not None:
                return [*_events(seen.log, read_as), *_blocks(seen, read_as), *_weights(seen.log, read_as)]
    return []


def _empty(log: Log, stream: Stream) -> Measurement:
    return measured(
        MISSING.code,
        1.0,
        f"the graph of {stream.rows} nodes has no edge at all; the log has {int(log.distinct.sum())} different pairs",
        unit="share of pairs",
        healthy=False,
        reference=0.0,
        severity=Severity.ERROR,
        places=made(stream),
        details={"lasting": True},
    )


def _events(log: Log, edges: Graph) -> list[Measurement]:
    best = edges.one
    assert best is not None
    pairs = int(log.distinct.sum())
    missing = max(0.0, 1 - best.events / max(pairs, 1))
    n = edges.ends.shape[1]
    known = _either(edges)
    strange = int((~known & (edges.ends[0] != edges.ends[1])).sum())
    places = made(edges.stream)
    about = ", by what two thinned graphs share" if best.thinned else ""
    return [
        measured(
            MISSING.code,
            missing,
            f"{best.events} of {pairs} different training pairs are edges{about}",
            unit="share of pairs",
            healthy=missing < (max(ESTIMATED, ERRORS * best.error) if best.thinned else 0.02),
            reference=0.0,
            places=places,
            details={"lasting": best.thinned},
        ),
        measured(
            UNKNOWN.code,
            strange / n,
            f"{strange} of {n} edges are no training event",
            unit="share of edges",
            healthy=strange < 0.01 * n or _other_relation(edges, known),
            reference=0.0,
            places=places,
        ),
    ]


def _either(edges: Graph) -> NDArray[np.bool_]:
    known = np.zeros(edges.ends.shape[1], dtype=bool)
    for each in (edges.forward, edges.backward):
        if each is not None:
            known |= each.found
    return known


def _other_relation(edges: Graph, known: NDArray[np.bool_]) -> bool:
    """Whether the others join users with users or items with items, which is another relation, or weigh nothing."""
    best = edges.one
    assert best is not None
    if edges.values is not None and not edges.values[~known].any():
        return True
    apart = max(best.users, best.items)
    if apart < 2:
        return False
    ends = edges.ends[:, ~known]
    return bool(((ends[0] > apart) == (ends[1] > apart)).mean() > 0.5)


def _square(edges: Graph, log: Log) -> bool:
    """Whether rows and columns of the matrix are the same nodes: users and items together."""
    return min(edges.stream.rows, edges.stream.columns) >= log.n_users + log.n_items


def _blocks(seen: Read, edges: Graph) -> list[Measurement]:
    log, best = seen.log, edges.one
    assert best is not None
    if not _square(edges, log):
        return []
    users = (1 + best.users, log.n_users + best.users)
    items = (1 + best.items, log.n_items + best.items)
    shared = max(0, min(users[1], items[1]) - max(users[0], items[0]) + 1)
    looked_up = _looked_up(seen, edges)
    wrong = shared > 0 or (looked_up is not None and looked_up != best.items)
    if shared:
        said = f"{shared} nodes are both a user's and an item's: users lie at {users[0]} to {users[1]}, items at {items[0]} to {items[1]}"
    elif wrong:
        said = f"item 1 is node {items[0]} in the graph, and row {1 + (looked_up or 0)} of the {edges.stream.rows} nodes when it is looked up"
    else:
        said = f"users lie at nodes {users[0]} to {users[1]}, items at {items[0]} to {items[1]}"
    found = [
        measured(
            BLOCKS.code,
            shared / max(min(log.n_users, log.n_items), 1),
            said,
            unit="share of nodes",
            healthy=not wrong,
            reference=0.0,
            severity=Severity.ERROR,
            places=made(edges.stream),
        )
    ]
    return [*found, *_both_ways(log, edges)]


def _looked_up(seen: Read, edges: Graph) -> int | None:
    """Where item 0 lies among the nodes by the rows that items and users are looked up in; None if not known.

    Users and items are cut out of one table of nodes, or put together to one, users first or items first.
    """
    item_rows = {(each.view.stream.rows, each.numbering.offset) for each in seen.positives}
    user_rows = {(view.stream.rows, numbering.offset) for view, numbering in seen.users}
    if len(item_rows) != 1 or len(user_rows) != 1:
        return None
    (n_item_rows, item_offset), (n_user_rows, _) = next(iter(item_rows)), next(iter(user_rows))
    best = edges.one
    if item_offset is None or best is None or n_item_rows + n_user_rows != edges.stream.rows:
        return None
    return item_offset + n_user_rows if best.items > best.users else item_offset


def _both_ways(log: Log, edges: Graph) -> list[Measurement]:
    counts = [each.events if each is not None else 0 for each in (edges.forward, edges.backward)]
    share = min(counts) / max(max(counts), 1)
    errors = [each.error for each in (edges.forward, edges.backward) if each is not None]
    symmetric = share > BOTH_WAYS - ERRORS * math.hypot(*errors)
    missing = "back from items to users" if counts[0] > counts[1] else "from users to items"
    return [
        measured(
            ONE_WAY.code,
            share,
            f"{counts[0]} edges lead from users to items, {counts[1]} back"
            + ("" if symmetric else f": those {missing} are missing"),
            unit="share of edges",
            healthy=symmetric,
            reference=1.0,
            reference_name="both ways",
            higher_is_better=True,
            places=made(edges.stream),
        )
    ]


def _weights(log: Log, edges: Graph) -> list[Measurement]:
    found = []
    nodes = max(edges.stream.rows, 1)
    if edges.loops:
        share = edges.loops / nodes
        found.append(
            measured(
                LOOPS.code,
                share,
                f"{edges.loops} of {nodes} nodes have an edge to themselves",
                unit="share of nodes",
                healthy=True,  # some methods want them
                reference=0.0,
                places=made(edges.stream),
            )
        )
    if edges.values is None or edges.stream.kind != "edges":
        return found  # a layer of a library normalises by itself
    known = _either(edges)
    values = edges.values[known]
    flat = bool(len(values) and np.ptp(values) <= 1e-6 * max(abs(float(values.max())), 1e-12))
    sums = np.bincount(edges.ends[0][known], weights=values)
    middle = float(np.median(sums[sums != 0])) if (sums != 0).any() else 0.0
    grows = 0.0 if flat else _growth(log, edges)
    if flat:
        said = f"all edges weigh {number(values[0])}, a node's sum is {number(middle)} in the median and {number(sums.max())} at most"
    elif grows > GROWING:
        said = f"power {number(grows)} of the degrees: edges weigh the more the more edges their ends have; divide by the degrees"
    else:
        said = f"a node's sum is {number(middle)} in the median: edges have weights of their own"
    return [
        *found,
        measured(
            PLAIN.code,
            middle,
            said,
            unit="sum of weights",
            healthy=not (flat and middle > 1.5) and grows <= GROWING,
            reference=1.0,
            places=made(edges.stream),
        ),
    ]


def _growth(log: Log, edges: Graph) -> float:
    """The power of the product of both ends' degrees that the weights follow; 0 where they follow none."""
    each = edges.one
    assert each is not None and edges.values is not None
    user, item = edges.ends if each is edges.forward else edges.ends[::-1]
    shown = each.found & (edges.values > 0)
    user, item, weight = user[shown] - each.users, item[shown] - each.items, edges.values[shown]
    if len(weight) < FEWEST:
        return 0.0
    degrees = np.bincount(user)[user] * np.bincount(item)[item]
    x, y = np.log(degrees), np.log(weight)
    if np.ptp(x) == 0 or np.ptp(y) == 0 or np.corrcoef(x, y)[0, 1] < FOLLOWS:
        return 0.0
    return float(np.polyfit(x, y, 1)[0])


PROBE = Probe(kinds=(MISSING, UNKNOWN, BLOCKS, ONE_WAY, PLAIN, LOOPS), run=graph_edges)
