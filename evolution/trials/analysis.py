"""Starts the analyst: our own interpreter on one trial's evidence, without network, repo or candidate code."""

import secrets
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from diagnosis.examination import FOLDER as EXAMINATION
from diagnosis.findings import Measurement
from evolution.base import serial
from evolution.base.errors import Cancelled, EvolverecError
from evolution.base.places import PACKAGE_ROOT
from evolution.domain.trial import FailureReason
from evolution.trials import sandbox
from evolution.trials.artifacts import FOLDER
from evolution.trials.data import TrialData, reference_files
from evolution.trials.failing import FAULTS_OF_DATA, TrialFailed
from evolution.trials.interpreter import interpreter_at
from evolution.trials.process import TOKEN, Launch, WorkerProcess
from evolution.trials.request import GIB, WorkerLimits
from evolution.trials.wire import clean_text
from evolution.trials.worker_log import log_tail

LIMITS = WorkerLimits(timeout_s=600.0, memory_bytes=8 * GIB)
LOG_NAME = "analyst.log"
PROGRAM = "evolution.analyst.main"
_NOTHING: Mapping[str, Path] = {}
_INSIDE = Path("/evolverec")
_PACKAGES = ("evolution", "diagnosis", "seeds")


class AnalysisError(EvolverecError):
    """A trial cannot be measured: the analyst broke a limit, or what the trial left makes no sense."""


def _never() -> bool:
    return False


def analyse(
    trial_folder: Path, data: TrialData, *, seed: int = 0, cancelled: Callable[[], bool] = _never
) -> list[Measurement]:
    """Measure the artifacts of a complete trial. An analyst that was killed from outside is started once more.

    Raises AnalysisError: a probe raised, or the analyst broke a limit; the message holds what it said. Cancelled.
    """

    def measured() -> dict[str, Any]:
        process, place = analyst(trial_folder, data, program=PROGRAM, limits=LIMITS, cancelled=cancelled)
        with process:
            return process.ask("measure", folder=str(place), seed=seed)

    try:
        try:
            answer = measured()
        except TrialFailed as failed:
            if failed.failure.reason is not FailureReason.KILLED:
                raise
            answer = measured()
    except TrialFailed as failed:
        if failed.failure.reason is FailureReason.CANCELLED:
            raise Cancelled("cancelled") from failed
        said = f"{failed.failure.message}\n{log_tail(trial_folder / LOG_NAME)}".strip()
        raise AnalysisError(f"the analyst could not measure the trial: {said}") from failed
    with sensible("the analyst's answer"):
        return serial.load(list[Measurement], answer["measurements"])


@contextmanager
def sensible(what: str) -> Iterator[None]:
    """Raises AnalysisError where the work inside stumbles over `what`, which is about candidate code and may be
    anything; the traceback goes to the job's log, for the fault may as well be ours."""
    try:
        yield
    except FAULTS_OF_DATA as fault:
        traceback.print_exc()
        words = clean_text(f"{what} makes no sense ({type(fault).__name__}: {fault!s:.200})")
        raise AnalysisError(words) from fault


def analyst(
    trial_folder: Path,
    data: TrialData,
    *,
    program: str,
    limits: WorkerLimits,
    cancelled: Callable[[], bool] = _never,
    more: Mapping[str, Path] = _NOTHING,
    hash_seed: int = 0,
) -> tuple[WorkerProcess, Path]:
    """A started analyst, and the evidence's folder as it sees it. program: the module whose `serve` it runs.

    more: further folders of evidence by name. The caller ends the process (`with`).
    """
    evidence = evidence_mounts(trial_folder, data)
    evidence += [sandbox.Mount(source=p.resolve(), target=_INSIDE / "evidence" / n) for n, p in more.items()]
    interpreter = interpreter_at(Path(sys.executable))
    confined = sandbox.works(interpreter)
    place = _INSIDE if confined else _linked(trial_folder / "analyst", evidence)
    code = _INSIDE / "code" if confined else PACKAGE_ROOT
    token = secrets.token_hex(16)
    environment = {**sandbox.clean_environment(1, ""), TOKEN: token, "PYTHONHASHSEED": str(hash_seed)}
    start = f"import sys; sys.path.insert(0, {str(code)!r}); from {program} import serve; serve()"
    command = [str(interpreter.executable), "-s", "-B", "-c", start]
    if confined:
        own = [sandbox.Mount(source=PACKAGE_ROOT / name, target=code / name) for name in _PACKAGES]
        confinement = sandbox.Confinement(mounts=[*own, *evidence], environment=environment)
        command = sandbox.sandboxed(command, confinement, interpreter, Path("/"))
    launch = Launch(
        command=command,
        environment={} if confined else environment,
        cwd=trial_folder,
        log=trial_folder / LOG_NAME,
        writable=(),
        confined=confined,
        token=token,
    )
    return WorkerProcess(launch, limits, cancelled), place / "evidence"


def evidence_mounts(trial_folder: Path, data: TrialData) -> list[sandbox.Mount]:
    """All that the analyst may see of this trial. The test questions and their labels are not among it."""
    worker, labels = data.folder / "worker", data.folder / "labels"
    sources = {
        "training": worker / "training",
        "validation": worker / "validation",
        "targets/validation.npy": labels / "validation.npy",
        "names/names.json": labels / "names.json",
        "artifacts": trial_folder / FOLDER,
        **{f"references/{name}": path for name, path in reference_files(data).items()},
    }
    if (trial_folder / EXAMINATION).is_dir():
        sources[EXAMINATION] = trial_folder / EXAMINATION
    return [
        sandbox.Mount(source=source.resolve(), target=_INSIDE / "evidence" / name)
        for name, source in sources.items()
    ]


def _linked(folder: Path, evidence: list[sandbox.Mount]) -> Path:
    """The same layout by links, for where there is no sandbox."""
    for mount in evidence:
        link = folder / mount.target.relative_to(_INSIDE)
        if link.is_symlink() and link.readlink() == mount.source:
            continue  # another analyst of the same trial may be reading it
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(mount.source)
    return folder
