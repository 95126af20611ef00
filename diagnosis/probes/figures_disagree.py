"""Do the two ways in which a model was measured agree? Its lists, and its dense scores for some of the same users."""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import dense_targets, masked, ndcg_of_lists, ndcg_of_scores, unseen
from seeds.amounts import number
from seeds.metrics.intervals import mean_over_users

KIND = FindingKind(
    code="figures-disagree",
    found_by=FoundBy.PROBE,
    title="Two figures of one model",
    why="One model answered the same questions in two ways, so no figure of it says how good it is.",
    definition="NDCG@10 by the dense scores minus NDCG@10 by the lists, of the same users and the same state.",
    nature=Nature.SYMPTOM,
    unit="NDCG@10",
    reference="no difference",
)
SHARE = 0.1  # of the larger figure: less is told by nobody
USERS = 0.05  # of the users: a few answers may differ by a tie that rounding broke


def figures_disagree(evidence: Evidence) -> list[Measurement]:
    """The mean difference over users; unhealthy where it is a tenth of the figure, one in twenty users is concerned, and
    the interval of their difference leaves out 0.
    """
    rows = evidence.artifacts.dense_rows
    if not len(rows):
        return [unjudged(KIND.code, "no question was scored densely", unit=KIND.unit)]
    scores = masked(
        evidence.artifacts.dense_scores, unseen(evidence.questions, rows, evidence.training.n_items)
    )
    dense = ndcg_of_scores(scores, dense_targets(evidence))
    listed = ndcg_of_lists(evidence.artifacts.top, evidence.questions.targets)[rows]
    difference = mean_over_users(dense - listed, evidence.seed)
    concerned = float((np.abs(dense - listed) > 1e-6).mean())
    larger = max(float(dense.mean()), float(listed.mean()))
    clear = difference.low > 0 or difference.high < 0
    apart = clear and concerned > USERS and abs(difference.value) > SHARE * larger
    return [
        Measurement(
            code=KIND.code,
            value=difference.value,
            low=difference.low,
            high=difference.high,
            reference=0.0,
            reference_name=KIND.reference,
            unit=KIND.unit,
            higher_is_better=False,
            healthy=not apart,
            severity=Severity.WARNING,
            message=f"NDCG@10 {number(dense.mean())} by the dense scores of {len(rows)} users, {number(listed.mean())} by the "
            "lists that the same model gave them",
            details={
                "dense": float(dense.mean()),
                "listed": float(listed.mean()),
                "users_concerned": concerned,
            },
        )
    ]


PROBE = Probe(kinds=(KIND,), run=figures_disagree)
