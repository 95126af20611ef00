"""How fast libraries train SASRec, alternately, each in a process of its own that waits while another is at work."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seeds.split import Split

from .accuracy import environment
from .environments import OURS, interpreter
from .handover import write_split
from .matches import Contender
from .with_evolverec import SCALAR

PUBLISHED_BATCH = {"batch_size": 128}
RUNNERS = {
    "seed": Contender(library=OURS, model="sasrec", note="as it comes"),
    "seed, batch of 128": Contender(library=OURS, model="sasrec", changes=PUBLISHED_BATCH),
    "scalar loop": Contender(library=OURS, model=SCALAR, changes=PUBLISHED_BATCH, note="the seed's model"),
    "RecTools": Contender(library="rectools", model="SASRec", note="the seed's batch"),
    "RecTools, batch of 128": Contender(
        library="rectools", model="SASRec", changes=PUBLISHED_BATCH, note="its default batch"
    ),
    "RecBole": Contender(library="recbole", model="SASRec", note="one sample for each prefix"),
}
RATIOS = (
    ("seed", "RecTools"),
    ("seed, batch of 128", "RecTools, batch of 128"),
    ("seed, batch of 128", "scalar loop"),
    ("seed", "RecBole"),
)


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """folder: of the environments. rounds: of each library, `seconds` each."""

    folder: Path
    rounds: int
    seconds: float
    threads: int


class Runner:
    """A process that trains for as long as it is asked to."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log
        self.first_batch_s: float = self.read()["first_batch_s"]

    def read(self) -> dict[str, float]:
        """The next answer. Raises SystemExit if the process has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._log.read_text(encoding="utf-8")[-2000:]
            raise SystemExit(f"the process behind {self._log} has ended:\n{said}")
        return json.loads(line)

    def ask(self, what: str) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self.read()


def paces(pacing: Pacing, parts: Split) -> dict[str, Any]:
    """Positions a second of each runner, ratios between them round by round, seconds to the first batch and of a ranking."""
    handed = pacing.folder / "handed" / "speed"
    write_split(parts, handed)
    with ExitStack() as open_ones:
        runners = {name: open_ones.enter_context(_runner(pacing, name, handed)) for name in RUNNERS}
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in RUNNERS}
        for nth in range(pacing.rounds):
            for name in RUNNERS:
                rounds[name].append(runners[name].ask(f"round {pacing.seconds}"))
                done = rounds[name][-1]
                print(
                    f"round {nth + 1}, {name}: {done['positions'] / done['wall_s']:,.0f} positions/s",
                    flush=True,
                )
        ranked = {name: runners[name].ask("rank") for name in ("seed", "RecTools", "RecBole")}
        first = {name: round(runner.first_batch_s, 2) for name, runner in runners.items()}
    return {
        "what": f"SASRec on ML-1M, width 50, two blocks, length 50, {pacing.threads} threads of CPU",
        "rounds": pacing.rounds,
        "seconds_of_a_round": pacing.seconds,
        "positions_per_s": {
            name: _spread([one["positions"] / one["wall_s"] for one in found])
            for name, found in rounds.items()
        },
        "positions_per_cpu_s": {
            name: _spread([one["positions"] / one["cpu_s"] for one in found])
            for name, found in rounds.items()
        },
        "ratios": {f"{one} / {other}": _ratio(rounds[one], rounds[other]) for one, other in RATIOS},
        "start_to_first_batch_s": first,
        "ranking_s": {
            name: {what: round(seconds, 3) for what, seconds in found.items()}
            for name, found in ranked.items()
        },
        "notes": {name: contender.note for name, contender in RUNNERS.items() if contender.note},
    }


def _ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """By wall time and by processor time, which other work on the machine changes less."""
    return {
        clock: _spread(
            [(a["positions"] / a[clock]) / (b["positions"] / b[clock]) for a, b in zip(ours, theirs)],
            digits=2,
        )
        for clock in ("wall_s", "cpu_s")
    }


def _spread(values: list[float], digits: int = 0) -> dict[str, float]:
    """Median, least and most."""
    found = {"median": np.median(values), "least": min(values), "most": max(values)}
    return {name: round(float(value), digits) for name, value in found.items()}


@contextmanager
def _runner(pacing: Pacing, name: str, handed: Path) -> Iterator[Runner]:
    contender = RUNNERS[name]
    place = pacing.folder / "speed" / name.replace(" ", "-").replace(",", "").lower()
    place.mkdir(parents=True, exist_ok=True)
    python = interpreter(contender.library, pacing.folder / "environments")
    job = {
        **asdict(contender),
        "seed": "sasrec",
        "number": 0,
        "threads": pacing.threads,
        "handed": str(handed),
    }
    log = place / "log.txt"
    with log.open("w", encoding="utf-8") as stream:
        (place / "job.json").write_text(json.dumps({**job, "begun": time.monotonic()}), encoding="utf-8")
        command = [str(python), "-m", "peer_libraries.worker", "pace", "job.json"]
        with subprocess.Popen(
            command, cwd=place, env=environment(pacing.threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=stream, text=True,
        ) as process:  # fmt: skip
            try:
                yield Runner(process, log)
            finally:
                process.kill()
