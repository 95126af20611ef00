"""The limits of what a run may cost, and of how early a training may end."""

from dataclasses import dataclass

LLM_USERS = 20  # users that an LLM plays about a version, if one is set and nothing else is asked for
LEAST_STEPS = 200  # optimizer steps without a better objective, before training may end
RECENT = 1 / 3  # of all epochs: a best one among these says that better ones may follow


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one run; None means unlimited.

    usd, tokens: of all exchanges with the LLM.
    gpu_s: seconds in which programs run: import, build(), fit(), score().
    trials: programs trained.
    """

    usd: float | None = None
    tokens: int | None = None
    gpu_s: float | None = None
    trials: int | None = None
