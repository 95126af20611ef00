"""What a diagnosis costs beside the trial it looks at: the examination (watched, replayed, asked), and the analyst.

    python tests/bench/examination_cost.py [--data ml-1m] [--epochs 2] [--full 30]      ml-1m: 5 minutes on two idle cores

The trial trains few epochs (`--epochs`); the examination is then given a trial of `--full` epochs of the same length, because
how long it watches goes by the training's seconds. Shares are of such a training, in seconds of the clock while nothing else
ran; on a busy machine read those of `cpu_s`, seconds in which the worker was running. The limit is 10 % on ML-1M, and
60 s on the built-in shops; `holds` goes by `cpu_s` with `--threads 1`, where these are the seconds of an idle machine.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import ROOT, SHARED_DATA, record
from harness_share import SASREC, measured

from evolution.domain.trial import Trial
from evolution.repo.config import Config, DataSection, read_config
from evolution.trials.analysis import analyse
from evolution.trials.data import prepare
from evolution.trials.examining import checks_of, examine
from evolution.trials.process import WorkerProcess
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.session import WorkerSession

ASKED = ("watch_epochs", "replay", "build", "load_state", "score", "parting", "follow", "start")
SHARE, SHOP_S = 0.1, 60.0


class Clock:
    """Seconds of the clock, and those in which the worker's processes were running, by what was done."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.wall[what] += time.monotonic() - began
            self.calls[what] += 1

    def asked_of_workers(self) -> None:
        """Time each question of the examination from now on."""
        for name in ASKED:
            setattr(WorkerSession, name, self._timed(name, getattr(WorkerSession, name)))

    def asked_of_processes(self) -> None:
        """Count what every process that is asked something from now on takes as the analyst's."""
        ask = WorkerProcess.ask

        def counted(process: WorkerProcess, *given: Any, **named: Any) -> Any:
            answer = ask(process, *given, **named)
            self.cpu["analyst"] += process.cpu_s()
            return answer

        setattr(WorkerProcess, "ask", counted)  # noqa: B010 -- a method of theirs, for as long as the bench runs

    def _timed(self, name: str, method: Any) -> Any:
        def timed(session: WorkerSession, *given: Any, **named: Any) -> Any:
            running = 0.0 if name == "start" else session.cpu_s()
            with self.during(name):
                answer = method(session, *given, **named)
            self.cpu[name] += session.cpu_s() - running
            return answer

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="ml-1m", help="ml-1m, a path to it, or a built-in shop")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", type=int, default=30, help="epochs of a training to its end")
    chosen = parser.parse_args()
    beside = SHARED_DATA / chosen.data
    source, name = str(beside) if beside.is_dir() else chosen.data, Path(chosen.data).name
    with tempfile.TemporaryDirectory(prefix="examination-cost-") as folder:
        repo, clock = Path(folder), Clock()
        with clock.during("trial"):
            trial = measured(repo, source, chosen.epochs, "cpu", threads=chosen.threads)
        if trial.failure is not None:
            sys.exit(f"{trial.failure.reason}: {trial.failure.message}\n{trial.failure.traceback}")
        full = as_long(trial, chosen.full)
        request = request_of(repo, source, chosen.epochs, trial)
        clock.asked_of_workers()
        with clock.during("examination"):
            missing = examine(
                request, full, Supervision(on_stage=lambda stage: print(stage, file=sys.stderr))
            )
        clock.asked_of_processes()
        with clock.during("analyst"):
            analyse(request.folder, request.data, seed=0)
        asked = len(checks_of(request.folder))
    record(f"examination-{name}", figures(clock, trial, full, name, missing, asked))


def as_long(trial: Trial, epochs: int) -> Trial:
    """The trial as if it had trained so many epochs of the same length."""
    times = epochs / len(trial.epochs)
    cost = replace(trial.cost, fit_s=trial.cost.fit_s * times, fit_cpu_s=trial.cost.fit_cpu_s * times)
    return replace(trial, cost=cost, epochs=(trial.epochs * epochs)[:epochs])


def request_of(repo: Path, source: str, epochs: int, trial: Trial) -> TrialRequest:
    """The request that `measured` made of the trial."""
    seed = read_config(SASREC)
    config = Config(
        recommender=seed.recommender,
        data=DataSection(source=source),
        training=seed.training.model_copy(update={"max_epochs": epochs}),
    )
    return TrialRequest(
        id=trial.id,
        key=trial.key,
        repo=repo,
        checkout=ROOT / "seeds" / "repos" / "sasrec",
        folder=repo / ".evolverec" / "trials" / trial.id,
        config=config,
        data=prepare(config, repo),
        python=Path(sys.executable),
    )


def figures(clock: Clock, trial: Trial, full: Trial, data: str, missing: str, asked: int) -> dict[str, Any]:
    """Seconds, and shares of a training to its end."""
    extra = clock.wall["examination"] + clock.wall["analyst"]
    training = full.cost.fit_s
    cpu = {
        "training": full.cost.fit_cpu_s,
        "examination": sum(clock.cpu.values()) - clock.cpu["analyst"],
        **clock.cpu,
    }
    spent = cpu["examination"] + cpu["analyst"]
    return {
        "data": data,
        "threads": trial.key.device.partition("/")[2],
        "epochs_measured": len(trial.epochs),
        "epoch_s": round(trial.cost.fit_s / len(trial.epochs), 2),
        "epochs_of_a_full_training": len(full.epochs),
        "full_training_s": round(training, 1),
        "wall_s": {name: round(spent, 2) for name, spent in clock.wall.items()},
        "cpu_s": {name: round(spent, 2) for name, spent in cpu.items()},
        "examination_share_of_cpu": round(cpu["examination"] / full.cost.fit_cpu_s, 4),
        "share_of_cpu": round(spent / full.cost.fit_cpu_s, 4),
        "calls": dict(clock.calls),
        "examination_share": round(clock.wall["examination"] / training, 4),
        "analyst_share": round(clock.wall["analyst"] / training, 4),
        "share": round(extra / training, 4),
        "epochs_until_a_tenth": round(spent / SHARE / (full.cost.fit_cpu_s / len(full.epochs)), 1),
        "holds": bool(spent <= SHARE * full.cost.fit_cpu_s if data == "ml-1m" else spent <= SHOP_S),
        "checks": asked,
        "missing": missing,
    }


if __name__ == "__main__":
    main()
