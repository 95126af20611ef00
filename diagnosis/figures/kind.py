"""The finding that a repo's own figures are others than ours of the same model."""

from diagnosis.findings import FindingKind, FoundBy, Nature

KIND = FindingKind(
    code="own-figure-differs",
    found_by=FoundBy.PROBE,
    title="Your own figures are measured otherwise",
    why="Figures by another protocol compare with no other paper or version, and may order models otherwise.",
    definition="Figures that the repo's own evaluation printed (`check --against`) lie outside the interval of ours; where another "
    "protocol, computed from the same scores, gives all of them, it is named with the lines that follow it.",
    nature=Nature.ADVICE,
    unit="share",
    reference="full ranking over items that the user has not met, ties in expectation",
    sources=("Krichene and Rendle, KDD 2020",),
)
