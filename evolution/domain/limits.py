"""What a run may cost, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """None is unlimited. usd, tokens: of all exchanges. gpu_s: seconds of fit. trials: programs trained."""

    usd: float | None = None
    tokens: int | None = None
    gpu_s: float | None = None
    trials: int | None = None
