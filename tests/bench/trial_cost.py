"""Is a candidate's trial slower than in another version of evolverec? The same trial in both, in turns.

    python tests/bench/trial_cost.py [--before COMMIT] [--rounds 5] [--epochs 4]        about 4 minutes on two idle cores

`ratio` is now against before: the least processor seconds of all rounds, which other load moves least. A trial in `evolve` is what is measured here: no diagnosis is asked of it. The default is the last version without an examination.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import ROOT, record

WITHOUT_EXAMINATION = "52e664c"
ONE = """
import dataclasses, json, sys, tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
sys.path.insert(0, "tests/bench")
import harness_share
from evolution.trials.request import SandboxMode
from evolution.trials.run import run_trial
harness_share.THREADS = 1  # more would wait for each other, spinning
# without the sandbox, whose processes leave no record of their time
harness_share.run_trial = lambda request, supervision: run_trial(
    dataclasses.replace(request, sandbox=SandboxMode.NONE), supervision
)
with tempfile.TemporaryDirectory(prefix="trial-cost-") as folder:
    trial = harness_share.measured(Path(folder), sys.argv[1], int(sys.argv[2]), "cpu")
assert trial.failure is None, trial.failure
ended = getrusage(RUSAGE_CHILDREN)  # the worker, and all else that the trial started
print(json.dumps({"fit_cpu_s": trial.cost.fit_cpu_s, "trial_cpu_s": ended.ru_utime + ended.ru_stime, "wall_s": trial.wall_s}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", default=WITHOUT_EXAMINATION, help="a commit to compare with")
    parser.add_argument("--data", default="shop-micro")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    chosen = parser.parse_args()
    spent: dict[str, list[dict[str, float]]] = {"before": [], "now": []}
    with tempfile.TemporaryDirectory(prefix="trial-cost-before-") as folder:
        _check_out(chosen.before, folder)
        for _ in range(chosen.rounds):
            for name, checkout in (("before", Path(folder)), ("now", ROOT)):
                spent[name].append(_trial(checkout, chosen.data, chosen.epochs))
                print(name, spent[name][-1], file=sys.stderr)
    record("trial-cost", {"compared_with": chosen.before, **figures(spent, chosen.data, chosen.epochs)})


def figures(spent: dict[str, list[dict[str, float]]], data: str, epochs: int) -> dict[str, Any]:
    """The least of each part in both versions, and their ratios."""
    least = {
        name: {part: min(one[part] for one in rounds) for part in rounds[0]} for name, rounds in spent.items()
    }
    return {
        "data": data,
        "epochs": epochs,
        "rounds": len(spent["now"]),
        **{name: {part: round(value, 2) for part, value in parts.items()} for name, parts in least.items()},
        "ratio_of_fit": round(least["now"]["fit_cpu_s"] / least["before"]["fit_cpu_s"], 3),
        "ratio": round(least["now"]["trial_cpu_s"] / least["before"]["trial_cpu_s"], 3),
    }


def _check_out(commit: str, folder: str) -> None:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)


def _trial(checkout: Path, data: str, epochs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="trial-cost-home-") as home:
        done = subprocess.run(
            [sys.executable, "-c", ONE, data, str(epochs)],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout), "EVOLVEREC_CONFIG_HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
