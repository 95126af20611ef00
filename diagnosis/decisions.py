"""What about a value is wrong, and so what kind of code decides it; a kind of finding names one, `diagnosis/origins` finds the line."""

from enum import Enum


class Decision(Enum):
    """What the code decides where a value is made."""

    DRAW = "which ids are drawn"
    REJECTION = "which drawn ids are drawn again"
    SEED = "whether the draw is another each time"
    EVENT = "which event of a history it is"
    COVERAGE = "which events it may be"
    CHOICE = "whose row it is"
    ORDER = "in which order the rows stand"
    EDGES = "which events are edges"
    NODES = "which nodes are joined"
    WEIGHTS = "what an edge weighs"
