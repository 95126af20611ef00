"""The full shop: `propose` on the fresh sasrec repo. At least two verified gains, and test agrees in sign.

python tests/bench/propose_full.py [--data shop-full]        about an hour on two cores
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import record
from ml1m_softmax import evolverec, make_repo


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", default="shop-full")
    arguments.add_argument("--trials", type=int, default=12)
    arguments.add_argument("--folder", type=Path, default=None, help="where to keep the repo")
    chosen = arguments.parse_args()
    repo = (chosen.folder or Path(tempfile.mkdtemp(prefix="propose-"))) / "sasrec"
    if not repo.exists():
        make_repo(repo, chosen.data, epochs=60, patience=5)
    trained = evolverec("train", repo)
    found = evolverec("propose", repo, "--trials", str(chosen.trials))
    verified = [p for p in found["proposals"] if p["verified"] == "gain"]
    before = evolverec("test", repo, trained["trial"])
    tested = [(p, evolverec("test", repo, p["trials"][0])) for p in verified[:3]]
    record(
        f"propose-{chosen.data}",
        {
            "seed_validation_NDCG@10": trained["metrics"]["NDCG@10"],
            "seed_test_NDCG@10": before["metrics"]["NDCG@10"],
            "proposals": [summary(p) for p in found["proposals"]],
            "did_not_fit": found["did_not_fit"],
            "verified_gains": len(verified),
            "test": [
                {
                    "title": p["title"],
                    "NDCG@10": t["metrics"]["NDCG@10"],
                    "gain": t["metrics"]["NDCG@10"]["value"] / before["metrics"]["NDCG@10"]["value"] - 1,
                }
                for p, t in tested
            ],
        },
    )


def summary(proposal: dict[str, Any]) -> dict[str, Any]:
    kept = {name: proposal[name] for name in ("title", "recipe", "verified", "why_not", "effect", "fixed")}
    ndcg = proposal["effects"].get("NDCG@10")
    return {**kept, "NDCG@10": ndcg, "NDCG@10_gain": ndcg["after"] / ndcg["before"] - 1 if ndcg else None}


if __name__ == "__main__":
    main()
