"""The static rules run as the user types: milliseconds per 1,000 lines, and as a ratio to parsing alone.

python tests/bench/rules_speed.py        seconds
"""

import ast
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from figures import ROOT, record

from diagnosis.rules.check import check_source

ROUNDS = 5


def main() -> None:
    files = sorted(
        path for room in ("diagnosis", "evolution", "server") for path in (ROOT / room).rglob("*.py")
    )
    texts = {str(path): path.read_text(encoding="utf-8") for path in files}
    lines = sum(text.count("\n") for text in texts.values())
    rules = median_ms(lambda: [check_source(path, text) for path, text in texts.items()])
    parsing = median_ms(lambda: [ast.parse(text) for text in texts.values()])
    record(
        "rules-speed",
        {
            "lines": lines,
            "ms_per_1000_lines": 1000 * rules / lines,
            "ratio_to_parsing": rules / parsing,
            "rounds": ROUNDS,
        },
    )


def median_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of one round, the median of ROUNDS after one that does not count."""
    work()
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - started))
    return statistics.median(spent)


if __name__ == "__main__":
    main()
