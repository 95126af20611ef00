"""The static rules on data, sampling and evaluation."""

from diagnosis.rules import (
    discount,
    graph_blocks,
    ideal_gain,
    one_by_one,
    random_split,
    resampled,
    reseeded,
    seen_ranked,
    shuffled_apart,
    state_by_reference,
    target_first,
    timestamps,
    window,
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
    state_by_reference.RULE,
    one_by_one.RULE,
    window.RULE,
    window.AHEAD_RULE,
    shuffled_apart.RULE,
    graph_blocks.ONE_WAY_RULE,
    graph_blocks.WRONG_RULE,
)
