"""The seeds beside RecBole 1.2.1 and RecTools 0.19, each in an environment of its own: how fast, and how good.

    python tests/bench/peers.py speed [--rounds 5] [--seconds 8] [--data ml-1m | FOLDER]
    python tests/bench/peers.py accuracy [--match gru4rec --match ncf ...] [--data ml-100k | ml-1m | FOLDER] [--seeds 3]

`speed` counts training positions a second on two threads, SASRec on ML-1M, alternately: about ten minutes on two idle
cores. `accuracy` trains each seed and the same model of a peer on one split with the seed's settings; a training that stands
in the folder is not done again, so it can be stopped and goes on. Environments are made on the first run, by pip.
Results: docs/results/peers-*.json, and of all that stand docs/results/peers.md.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from figures import RESULTS, ROOT, SHARED_DATA, record
from peer_libraries import page
from peer_libraries.accuracy import Plan, compared
from peer_libraries.beside import references
from peer_libraries.matches import MATCHES
from peer_libraries.speed import Pacing, paces
from peer_libraries.training import Stopping

from seeds.loading import load
from seeds.split import LeaveLastTwoOut, Split, split

FOLDER = ROOT / ".setup" / "peers"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--folder", type=Path, default=FOLDER, help="of environments and trained models")
    asked.add_argument("--threads", type=int, default=2)
    commands = asked.add_subparsers(dest="command")
    speed = commands.add_parser("speed")
    speed.add_argument("--data", default="ml-1m")
    speed.add_argument("--rounds", type=int, default=5)
    speed.add_argument("--seconds", type=float, default=8.0, help="of each round")
    accuracy = commands.add_parser("accuracy")
    accuracy.add_argument("--match", action="append", choices=list(MATCHES), help="all, if none is named")
    accuracy.add_argument("--data", default="ml-100k")
    accuracy.add_argument("--seeds", type=int, default=3, help="training seeds of each side")
    accuracy.add_argument("--epochs", type=int, default=200)
    accuracy.add_argument(
        "--patience", type=int, default=20, help="a peer with fewer steps an epoch stands still for long"
    )
    given = asked.parse_args(sys.argv[1:] or ["speed"])
    given.folder = given.folder.resolve()  # processes are started in folders of their own
    if given.command == "accuracy":
        compare(given)
    else:
        parts = _parts(given.data)
        pacing = Pacing(
            folder=given.folder, rounds=given.rounds, seconds=given.seconds, threads=given.threads
        )
        record("peers-speed", paces(pacing, parts))
    page.write(RESULTS)


def compare(given: argparse.Namespace) -> None:
    data = Path(given.data).name
    plan = Plan(
        folder=given.folder,
        data=data,
        numbers=tuple(range(given.seeds)),
        stopping=Stopping(patience=given.patience, max_epochs=given.epochs),
        threads=given.threads,
    )
    parts = _parts(given.data)
    result = RESULTS / f"peers-{data}.json"
    beside = page.stored(result).get("references") or references(parts)
    for name in given.match or MATCHES:
        found = compared(plan, [name], parts)
        # Read anew: another run may have written meanwhile.
        matches = page.stored(result).get("matches", {}) | found
        figures = {
            "data": data,
            "users": parts.training.n_users,
            "items": parts.training.n_items,
            "training_events": parts.training.n_events,
            "references": beside,
            "matches": {each: matches[each] for each in MATCHES if each in matches},
        }
        record(f"peers-{data}", figures)


def _parts(data: str) -> Split:
    source = data if Path(data).exists() else str(SHARED_DATA / data)
    return split(load(source, root=ROOT), LeaveLastTwoOut())


if __name__ == "__main__":
    main()
