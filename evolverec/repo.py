"""A recommender repo as an object; each method is the command of the same name."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from evolverec.answers import Diagnosis, Proposals, Trial, trials_frame
from evolverec.running import run

Given = str | int | float | bool | Path | None


@dataclass(frozen=True)
class Repo:
    """A folder with an evolverec.toml. Methods raise CommandError; where a cell is interrupted the job is cancelled.

    `trust=True` consents to running the repo's code, once and for this machine, as `--trust` does.
    """

    folder: Path

    def train(self, *, seed: int | None = None, device: str | None = None, trust: bool = False) -> Trial:
        """Train the files on disk and measure them on validation events. A failed trial is returned, with `ok` False."""
        return Trial(document=self._run("train", seed=seed, device=device, trust=trust))

    def diagnose(
        self, *, checkpoint: str | Path | None = None, device: str | None = None, trust: bool = False
    ) -> Diagnosis:
        """Why the model fails, on the lines that cause it. Trains first where needed, unless weights are given."""
        return Diagnosis(document=self._run("diagnose", checkpoint=checkpoint, device=device, trust=trust))

    def propose(
        self,
        *,
        trials: int | None = None,
        tuned: bool = False,
        device: str | None = None,
        trust: bool = False,
    ) -> Proposals:
        """Make patches, train each and keep what is verified. tuned: both sides are tuned before they are compared."""
        return Proposals(
            document=self._run("propose", trials=trials, tuned=tuned, device=device, trust=trust)
        )

    def tune(self, *, trials: int | None = None, device: str | None = None, trust: bool = False) -> Proposals:
        """Try settings of the numbers in the configuration; `document` has all of them, the best one is a proposal."""
        return Proposals(document=self._run("tune", trials=trials, device=device, trust=trust))

    def test(self, trial: Trial | str = "", *, trust: bool = False) -> Trial:
        """Measure a trial on the test events, the newest of these files if none is named. Each reading is logged."""
        wanted = trial.id if isinstance(trial, Trial) else trial
        return Trial(document=self._run("test", *([wanted] if wanted else []), trust=trust))

    def recommend(
        self,
        users: "list[str] | pl.Series | None" = None,
        *,
        k: int = 10,
        seen: bool = False,
        trust: bool = False,
    ) -> pl.DataFrame:
        """What the newest trial's model would show next: user, rank, item, score, in the log's own ids.

        users: ids of the log; None for all. Unknown ones are printed and get no rows.
        """
        with TemporaryDirectory(prefix="evolverec-") as folder:
            out, asked = Path(folder) / "lists.parquet", Path(folder) / "users.parquet"
            if users is not None:
                pl.DataFrame(
                    {"user": [str(user) for user in users]}, schema={"user": pl.String}
                ).write_parquet(asked)
            given = asked if users is not None else None
            self._run("recommend", out=out, users=given, k=k, seen=seen, trust=trust)
            return pl.read_parquet(out, memory_map=False)

    def trials(self) -> pl.DataFrame:
        """All stored trials, newest first, with the objective and its interval."""
        return trials_frame(self._run("runs")["trials"])

    def proposals(self) -> Proposals:
        """All stored patches, newest first."""
        return Proposals(document=self._run("runs"))

    def apply(self, proposal: str, *, branch: str | None = None) -> dict[str, Any]:
        """Apply a patch to the files, or as a commit on a new branch."""
        return self._run("apply", proposal, branch=branch)

    def _run(self, command: str, *words: str, **options: Given) -> dict[str, Any]:
        flags: list[str] = []
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                flags.append(flag)
            elif value is not None and value is not False:
                flags += [flag, str(value)]
        return run([command, str(self.folder), *words, *flags])

    def __repr__(self) -> str:
        return f"evolverec.open({str(self.folder)!r})"


def open(folder: str | PathLike[str]) -> Repo:
    """The repo in a folder. Raises FileNotFoundError: it has no evolverec.toml, which `evolverec new` makes."""
    found = Path(folder).expanduser().resolve()
    if not (found / "evolverec.toml").is_file():
        raise FileNotFoundError(
            f"{found} has no evolverec.toml; expected the repo's folder. `evolverec new` makes one"
        )
    return Repo(found)
