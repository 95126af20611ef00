"""Do items have their own features in training, or those of the items beside them?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered

UNIT = "rows"
KIND = FindingKind(
    code="features-misaligned",
    found_by=FoundBy.PROBE,
    title="Features of other items",
    why="Every item is described by its neighbour's features, so that they tell nothing of it.",
    definition="By how many rows a table of item features is shifted: items that are equal in a column of the data are equal in a feature "
    "made of it, for the rows beside them alone; or whose rows are asked for with ids one less than those of the learned rows.",
    roles=(Role.ENCODER,),
    explains=(
        "weaker-than-popularity",
        "weaker-than-markov",
        "weaker-than-ease",
        "off-category",
        "off-price",
    ),
    unit=UNIT,
    reference="0",
)


def feature_rows(evidence: Evidence) -> list[Measurement]:
    """The tables of features that the kept step looks up."""
    told = answer(evidence, "features")
    if not told:
        return unanswered(evidence, (KIND,), "no step was kept that looks up features made of item columns")
    by = int(told["by"])
    beside = "before" if by > 0 else "after"
    message = (
        f"items have the {told['column']} of the item one row {beside} their own"
        if by
        else f"{told['tables']} columns of features are those of their items"
    )
    where = places(told) if by else ()
    return [
        of_kept_step(
            KIND, float(by), message, where, healthy=by == 0, reference=0.0, reference_name="their own row"
        )
    ]


PROBE = Probe(kinds=(KIND,), run=feature_rows)
