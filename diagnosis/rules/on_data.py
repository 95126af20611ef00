"""The static rules on data, sampling and evaluation."""

from diagnosis.rules import (
    discount,
    ideal_gain,
    lost_updates,
    one_by_one,
    random_split,
    resampled,
    reseeded,
    seen_ranked,
    state_by_reference,
    target_first,
    timestamps,
)
from diagnosis.rules.rule import Rule

ON_DATA: tuple[Rule, ...] = (
    discount.RULE,
    ideal_gain.RULE,
    timestamps.RULE,
    resampled.RULE,
    target_first.RULE,
    random_split.RULE,
    seen_ranked.RULE,
    reseeded.RULE,
    lost_updates.RULE,
    state_by_reference.RULE,
    one_by_one.RULE,
)
