"""The line of the traced scoring that makes good items score low: a distance that nothing negates, or a negation alone."""

from collections.abc import Mapping
from typing import Any

from diagnosis.findings import CodePlace
from diagnosis.flow import Flow

NEGATIONS = frozenset(("neg", "neg_", "negative", "__neg__"))
DISTANCES = frozenset(("cdist", "pairwise_distance", "dist"))
UNDOING = frozenset(("reciprocal", "__rtruediv__", "__rsub__", "rsub", "exp"))  # these turn it round as well


def turns_round(trace: Mapping[str, Any]) -> tuple[CodePlace, ...]:
    """() where the scoring has no such line, or more than one that turns scores round: then the loss may be at fault as well."""
    flow = Flow(trace)
    start = [int(source[1:]) for source in trace.get("score", {}).get("sources", ()) if source[0] == "o"]
    scoring = [flow.ops[op] for op in sorted(flow.upstream(start)) if flow.ops[op]["phase"] == "score"]
    turning = [call for call in scoring if call["function"] in NEGATIONS | DISTANCES | UNDOING]
    if len(turning) != 1 or turning[0]["function"] in UNDOING:
        return ()
    return (CodePlace(path=turning[0]["path"], line=turning[0]["line"]),)
