"""The model beside rankers that take a second to fit: popularity, first-order Markov, EASE."""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import ndcg_of_lists
from diagnosis.symptoms import VERIFIES
from seeds.amounts import number, signed
from seeds.metrics.intervals import mean_over_users

KINDS = {
    "popularity": FindingKind(
        code="weaker-than-popularity",
        found_by=FoundBy.PROBE,
        title="Weaker than popularity",
        why="Showing everyone the most popular items is better and costs nothing.",
        definition="Full-ranking NDCG@10 against the popularity ranker on the same users, paired bootstrap.",
        roles=(Role.LOSS, Role.NEGATIVES),
        nature=Nature.SYMPTOM,
        needs_training=True,
        unit="NDCG@10",
        reference="the popularity ranker on the same users",
        explains=("weaker-than-markov", "weaker-than-ease", "ranking-margin"),
    ),
    "markov": FindingKind(
        code="weaker-than-markov",
        found_by=FoundBy.PROBE,
        title="Weaker than Markov",
        why="Counting which item follows which is better: the model misses what the last event says.",
        definition="Full-ranking NDCG@10 against a first-order Markov ranker on the same users, paired bootstrap.",
        roles=(Role.LOSS, Role.NEGATIVES),
        verifies=VERIFIES["weaker-than-markov"],
        nature=Nature.SYMPTOM,
        needs_training=True,
        unit="NDCG@10",
        reference="the first-order Markov ranker on the same users",
    ),
    "ease": FindingKind(
        code="weaker-than-ease",
        found_by=FoundBy.PROBE,
        title="Weaker than EASE",
        why="A linear item-to-item model is better: the model misses which items go together.",
        definition="Full-ranking NDCG@10 against EASE on the same users, paired bootstrap.",
        roles=(Role.LOSS, Role.NEGATIVES),
        nature=Nature.SYMPTOM,
        needs_training=True,
        unit="NDCG@10",
        reference="the EASE ranker on the same users",
    ),
}

TITLES = {"popularity": "popularity", "markov": "first-order Markov", "ease": "EASE"}


def weaker_than_references(evidence: Evidence) -> list[Measurement]:
    """NDCG@10 (full ranking) of the model on all questions, beside each reference ranker's.

    Unhealthy only if the reference is better beyond doubt: the paired 95 % interval of model minus reference, over the
    same users, lies below 0.
    """
    targets = evidence.questions.targets
    model = ndcg_of_lists(evidence.artifacts.top, targets)
    own = mean_over_users(model, evidence.seed)
    measurements: list[Measurement] = []
    for name, top in evidence.references.items():
        theirs = ndcg_of_lists(top, targets)
        difference = mean_over_users(model - theirs, evidence.seed)
        measurements.append(
            Measurement(
                code=KINDS[name].code,
                value=own.value,
                low=own.low,
                high=own.high,
                reference=float(theirs.mean()),
                reference_name=TITLES.get(name, name),
                unit="NDCG@10",
                higher_is_better=True,
                healthy=difference.high >= 0,
                severity=Severity.ERROR if name == "popularity" else Severity.WARNING,
                message=f"NDCG@10 {number(own.value)}, {TITLES.get(name, name)} {number(theirs.mean())} on the same users "
                f"(difference {signed(difference.value)} [{signed(difference.low)}, {signed(difference.high)}])",
                details={
                    "difference": difference.value,
                    "difference_low": difference.low,
                    "difference_high": difference.high,
                    "users": len(targets),
                },
            )
        )
    return measurements


PROBE = Probe(kinds=tuple(KINDS.values()), run=weaker_than_references)
