"""What a stranger's repo gets: init, check, train, diagnose and propose on fresh copies, and one table of what came of it.

    python tests/bench/existing_repos.py                            all shapes of tests/foreign, and our seeds; docs/results/existing-repos.{json,md}
    python tests/bench/existing_repos.py --shape neumf --epochs 8   one, soon
    python tests/bench/existing_repos.py --no-propose
    python tests/bench/existing_repos.py --seed ngcf                a seed of ours; its row stands below the shapes
    python tests/bench/existing_repos.py --repo DIR --data LOG      any other repo: a copy of it; nothing is recorded, all is printed
    python tests/bench/existing_repos.py --table                    the table again, after findings were judged

The examples in docs/existing-repos.md are written from the same rows.

Rows are kept in a folder (--keep), so that a stopped bench goes on where it was, and a shape that is asked for is measured anew.
Whether a finding is right, a reader of the code says: in tests/bench/existing/judged.toml, by shape, code, place and the line's text, so
that a rerun only asks for what is new.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from existing.judged import ReaderVerdicts, read_judged
from existing.steps import Row, measure, measure_seed
from existing.table import table
from existing.worked import write_worked
from figures import RESULTS, provenance, record

from seeds.new import seed_names
from seeds.shop import make
from tests.foreign.shapes import SHAPES

NAME = "existing-repos"


def main() -> None:
    """Measure what is asked for; the result covers every shape that has a row."""
    options = read_options()
    judged = read_judged(HERE / "existing" / "judged.toml")
    options.keep.mkdir(parents=True, exist_ok=True)
    if options.repo:
        row = measured(options.repo.name, lambda to: copied(options.repo, to), options.data, options)
        print(json.dumps(row, indent=2))
        print(table([row], judged))
        return
    log = make("micro").interactions
    for shape in SHAPES:
        kept = options.keep / f"{shape.name}.json"
        if wanted(shape.name, options.shape, kept, options):
            row = measured(shape.name, lambda to, shape=shape: shape.fresh(to, log), shape.log, options)
            kept.write_text(json.dumps(row, indent=2), encoding="utf-8")
            print(table([row], judged), flush=True)
    for seed in seed_names():
        kept = options.keep / f"seed {seed}.json"
        if wanted(seed, options.seed, kept, options):
            with tempfile.TemporaryDirectory(prefix="existing-") as folder:
                trials = 0 if options.no_propose else options.trials
                row = measure_seed(seed=seed, repo=Path(folder) / seed, trials=trials)
            kept.write_text(json.dumps(row, indent=2), encoding="utf-8")
            print(table([row], judged), flush=True)
    kept_rows = {p.stem: json.loads(p.read_text("utf-8")) for p in options.keep.glob("*.json")}
    names = [*(shape.name for shape in SHAPES), *(f"seed {seed}" for seed in seed_names())]
    rows = [kept_rows[name] for name in names if name in kept_rows]
    write_result(rows, judged)


def wanted(name: str, asked: list[str], kept: Path, options: argparse.Namespace) -> bool:
    """Whether to measure it: because it was asked for, or since nothing was and it has no row."""
    return not options.table and (name in asked or not (options.shape or options.seed or kept.exists()))


def read_options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--shape", action="append", default=[], help="a folder of tests/foreign; repeat")
    arguments.add_argument("--seed", action="append", default=[], help="a seed of ours; repeat")
    arguments.add_argument("--repo", type=Path, help="another repo; it is copied, and not changed")
    arguments.add_argument("--data", default="", help="its log, relative to the repo, or absolute")
    arguments.add_argument("--epochs", type=int, default=0, help="at most so many; 0: as init wrote")
    arguments.add_argument("--trials", type=int, default=5, help="of propose")
    arguments.add_argument("--no-propose", action="store_true")
    arguments.add_argument("--python", default="", help="the interpreter that runs the repo")
    arguments.add_argument("--table", action="store_true", help="measure nothing")
    arguments.add_argument(
        "--keep", type=Path, default=Path(tempfile.gettempdir()) / "evolverec-existing-repos"
    )
    return arguments.parse_args()


def copied(repo: Path, to: Path) -> Path:
    """The repo without what evolverec or a version control left in it."""
    left = shutil.ignore_patterns(".git", ".evolverec", "__pycache__")
    return Path(shutil.copytree(repo, to, ignore=left))


def measured(name: str, fresh: Callable[[Path], Path], data: str, options: argparse.Namespace) -> Row:
    """A row of the table, from a copy that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="existing-") as folder:
        repo = fresh(Path(folder) / name)
        return measure(
            name=name,
            repo=repo,
            data=data,
            epochs=options.epochs,
            trials=0 if options.no_propose else options.trials,
            python=options.python,
        )


def write_result(rows: list[Row], judged: ReaderVerdicts) -> None:
    """The JSON document, with what the reader said of each finding, and the table for people."""
    told = [
        {**row, "findings": [judged.with_verdict(row["name"], f) for f in row["findings"]]} for row in rows
    ]
    record(NAME, {"repos": told})
    text = f"# Existing repos\n\nMade by `python tests/bench/existing_repos.py`, {provenance()['date']}.\n\n"
    (RESULTS / f"{NAME}.md").write_text(text + table(rows, judged), encoding="utf-8")
    by_name = {shape.name: shape for shape in SHAPES}
    words = {name: shape.words for name, shape in by_name.items()}
    commands = {name: f"evolverec init . --data {shape.log}" for name, shape in by_name.items()}
    write_worked(RESULTS.parent / f"{NAME}.md", [r for r in rows if r["name"] in by_name], commands, words)
    for question in judged.unanswered(rows):
        print(question)


if __name__ == "__main__":
    main()
