"""Is what scoring computes what training trains?"""

from collections.abc import Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from seeds.amounts import number

UNIT = "correlation"
SAME = 0.9999
ALIKE = 0.99
KIND = FindingKind(
    code="scores-differ-from-training",
    found_by=FoundBy.PROBE,
    title="Another function is served",
    why="What is ranked is not what was learned: the loss is about other numbers.",
    definition="Correlation of the scores of items with those numbers of a training step that are most like them, for the same rows in "
    "the same state, up to a scale and a constant of each row; and parameters that only training adds to them.",
    roles=(Role.SCORING,),
    explains=(
        "weaker-than-popularity", "weaker-than-markov", "weaker-than-ease", "ranking-margin", "same-list", "popularity-bias",
        "exposure-concentration", "order-ignored", "overconfidence",
    ),
    unit=UNIT,
    reference="1",
    sources=("lightgcn_recommender_pyg#1 (scores from raw embeddings)",),
)  # fmt: skip


def serving_differs(evidence: Evidence) -> list[Measurement]:
    """Scores of the kept step's rows beside what the step computed for them."""
    told = answer(evidence, "serving")
    if not told:
        return unanswered(evidence, (KIND,), "no rows of a kept step could be scored as well")
    where = places(told)
    found = bool(where) and not told["negated"] and (told["unserved"] or told["agreement"] < SAME)
    if told["agreement"] < SAME and not found:
        return [
            unjudged(
                KIND.code,
                "scores differ from training, but no line that makes them differ is known",
                unit=UNIT,
            )
        ]
    message = _words(told) if found else f"the scores of {told['rows']} rows are those that training computes"
    return [
        of_kept_step(
            KIND,
            told["agreement"],
            message,
            where if found else (),
            healthy=not found,
            reference=1.0,
            reference_name="the same function",
            higher_is_better=True,
        )
    ]


def _words(told: Mapping[str, Any]) -> str:
    if told["unserved"]:
        path, line, _ = told["places"][-1]
        return f"training adds parameters to these scores ({path}:{line}) that scoring leaves out"
    alike = f"correlation {number(told['agreement'])} at best"
    if told["agreement"] >= ALIKE:
        return (
            f"{alike}: scoring multiplies vectors that no training step multiplies (normalised there and not here, or the other way "
            f"round), so that the order of the items is not the one that was learned (over {told['rows']} rows)"
        )
    return f"{alike} over the same {told['rows']} rows in the same state: nothing that the training step computes ranks items as these scores do"


PROBE = Probe(kinds=(KIND,), run=serving_differs)
