"""Metrics of ranked lists, in numpy: accuracy with ties in expectation, properties
of lists, the paper's 1+99 protocol.
"""

from seeds.metrics.accuracy import CUTOFFS, user_metrics
from seeds.metrics.lists import list_metrics
from seeds.metrics.sampled import sampled_metrics
from seeds.metrics.top import TopItems, seen_mask, top_lists

__all__ = ["CUTOFFS", "TopItems", "list_metrics", "sampled_metrics", "seen_mask", "top_lists", "user_metrics"]
