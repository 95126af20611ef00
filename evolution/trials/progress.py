"""What is known of a trial while it runs; it is what a failure leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evolution.domain.trial import ContractCheck, Cost, EpochRecord, Metric
from evolution.trials.scoring import Ranking


@dataclass(kw_only=True)
class TrialProgress:
    """note: sandbox, withheld, versions, ties, trace (what was not traced), not_kept (what was too large), restored
    (how the best epoch differed once it was).

    trace: of the smoke step, {} before it.
    """

    epochs: list[EpochRecord] = field(default_factory=list)
    contract: list[ContractCheck] = field(default_factory=list)
    note: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    objective: Metric | None = None
    best: Ranking | None = None
    best_epoch: int = 0
    cost: Cost = field(default_factory=Cost)
    trace: Mapping[str, Any] = field(default_factory=dict)
