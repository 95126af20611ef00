"""What feedback is worth without any LLM: `compare` over seeds on the micro shop and on ML-100k, recipes alone.

How many trials each strategy needs to 95 % of the best objective that any run found, the ratio of `directional` to
each other one with its interval over seeds, and how often a proposal moved what it set out to move.
    python tests/bench/strategies.py [--data shop-micro] [--seeds 10] [--trials 10]
About half an hour (shop-micro) and two hours (ml-100k) on two cores; trials are shared between strategies, so a
second call goes on where the first was stopped (--folder).
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import SHARED_DATA, record
from ml1m_softmax import evolverec, make_repo

STRATEGIES = ("directional", "research", "nas", "sample", "greedy")
# epochs at most, patience, Transformer blocks: on ML-100k a smaller model and shorter trainings than the seed's own, since
# every strategy tries the same some hundred programs
SIZES = {"ml-100k": (30, 3, 1)}
USUAL = (60, 5, 2)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", default="", help="shop-micro, ml-100k or a path; default: the first two")
    arguments.add_argument("--seeds", type=int, default=10)
    arguments.add_argument("--trials", type=int, default=10)
    arguments.add_argument("--folder", type=Path, default=None, help="where to keep the repos")
    chosen = arguments.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="strategies-"))
    for data in [chosen.data] if chosen.data else ["shop-micro", "ml-100k"]:
        source = SHARED_DATA / data
        repo = folder / Path(data).name
        if not repo.exists():
            epochs, patience, blocks = SIZES.get(data, USUAL)
            make_repo(repo, str(source) if source.exists() else data, epochs, patience)
            code = repo / "recommender.py"
            code.write_text(re.sub(r"n_blocks: int = \d+", f"n_blocks: int = {blocks}", code.read_text()))
        asked = ["--strategies", ",".join(STRATEGIES), "--proposer", "recipes"]
        size = ["--seeds", str(chosen.seeds), "--trials", str(chosen.trials)]
        found = evolverec("compare", repo, *asked, *size)
        size_of = dict(zip(("max_epochs", "patience", "n_blocks"), SIZES.get(data, USUAL)))
        record(f"strategies-{Path(data).name}", {"seeds": chosen.seeds, **size_of, **figures(found)})


def figures(found: dict[str, Any]) -> dict[str, Any]:
    kept = ("curve", "trials_to_goal", "final", "candidates")
    return {
        **{name: found[name] for name in ("trials", "best_known", "goal", "against", "hit_rate")},
        "strategies": {
            name: {key: row[key] for key in kept}
            | {"trials_charged": [s.get("trials") for s in row["spent"]]}
            for name, row in found["strategies"].items()
        },
    }


if __name__ == "__main__":
    main()
