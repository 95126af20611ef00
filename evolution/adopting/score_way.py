"""A way to ask a model for scores, as the drafted adapter says it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ScoreWay:
    """code: what stands behind `score=`; before: lines of a function that it names. table: code behind `table=`, "" for none.

    kept: attributes of the model with what its last step computed.
    kind: which of the kit's ways it is, "" for a gap. side: of padding, "" where any will do. why, why_table: one sentence with the place.
    """

    kind: str
    code: str
    why: str
    before: tuple[str, ...] = ()
    table: str = ""
    why_table: str = ""
    side: str = ""
    kept: tuple[str, ...] = ()
