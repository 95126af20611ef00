"""Trials, measurements and comparisons of programs: training, diagnosing and judging candidates."""
