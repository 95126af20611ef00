"""Lays out what a worker finds when it starts: a copy of the program, its inputs, the wire's folders, the archive.

The job reads what a worker wrote and writes what a worker reads, but never in the same folder: a worker could put
a link where the job is about to write, and have any file of the user's overwritten.
"""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evolution.base.deleting import delete_tree
from evolution.base.errors import ConsentError
from evolution.base.places import WORKER_LOG, store_folder
from evolution.repo.consents import goes_without_sandbox
from evolution.repo.withheld import withheld_in_words
from evolution.trials import sandbox
from evolution.trials.interpreter import Interpreter, interpreter_at
from evolution.trials.process import TOKEN, Launch
from evolution.trials.program_copy import copies_beside, copy_program
from evolution.trials.request import SandboxMode, TrialRequest
from evolution.worker.archive import write_archive
from seeds.loading import exists, files_of, source_path

INSIDE = Path("/evolverec")  # where a sandboxed worker finds what is ours


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """wire: where the worker answers. handed: where the job puts what it asks about; in a sandbox the worker can
    only read it. *_inside: the same places as the worker sees them.

    confined: whether a sandbox holds it. moved_from: the repo's own path where the program runs elsewhere. withheld:
    sentences on what the worker does not see, which are editable packages and copies of the log, and on copies it sees.
    """

    launch: Launch
    interpreter: Interpreter
    wire: Path
    wire_inside: Path
    handed: Path
    handed_inside: Path
    data_inside: Path
    root_inside: Path
    moved_from: str
    confined: bool
    withheld: tuple[str, ...] = ()


def lay_out(request: TrialRequest, inputs: Mapping[str, Path]) -> Workspace:
    """Make `<trial>/work`. inputs: name -> folder, read-only. Raises UsageError: the interpreter does not run.

    ConsentError: no sandbox works with this interpreter, and the user has not agreed to go without.
    """
    interpreter = interpreter_at(request.python)
    work = request.folder / "work"
    delete_tree(work)
    wire, handed, program, data = (work / name for name in ("wire", "handed", "program", "data"))
    for folder in (wire, handed, data):
        folder.mkdir(parents=True)
    copies = copy_program(request, program)
    archive = write_archive(work / "worker.pyz")
    confined = request.sandbox is SandboxMode.AUTO and sandbox.works(interpreter)
    if not confined:
        _require_consent(request, interpreter)
        for name, source in inputs.items():
            (data / name).symlink_to(source.resolve(), target_is_directory=True)
    repo = request.repo.resolve()
    token = secrets.token_hex(16)
    environment = {**sandbox.clean_environment(request.threads, request.gpu), TOKEN: token}
    mounts = [
        sandbox.Mount(source=program, target=repo, writable=True),
        sandbox.Mount(source=wire, target=INSIDE / "wire", writable=True),
        sandbox.Mount(source=handed, target=INSIDE / "handed"),
        sandbox.Mount(source=archive, target=INSIDE / "worker.pyz"),
        *(
            sandbox.Mount(source=source.resolve(), target=INSIDE / "data" / name)
            for name, source in inputs.items()
        ),
    ]
    seen = INSIDE if confined else work
    command = [str(interpreter.executable), "-s", "-B", "-X", "faulthandler", str(seen / "worker.pyz")]
    if confined:
        confinement = sandbox.Confinement(
            mounts=mounts,
            hidden=_secrets_of(request, interpreter),
            gpu=request.device == "cuda",
            tmp_bytes=2
            * request.limits.memory_bytes,  # beyond its limit, so that it ends by that, not by a full disk
            environment=environment,
        )
        command = sandbox.sandboxed(command, confinement, interpreter, repo)
    elif sys.platform == "darwin":  # nothing else: there is no bubblewrap
        environment["PYTORCH_ENABLE_MPS_FALLBACK"] = "1"
    return Workspace(
        launch=Launch(
            command=command,
            environment={} if confined else environment,
            cwd=work,
            log=request.folder / WORKER_LOG,
            writable=(wire, program),
            confined=confined,
            token=token,
            root=str(repo if confined else program.resolve()),
        ),
        interpreter=interpreter,
        wire=wire,
        wire_inside=seen / "wire",
        handed=handed,
        handed_inside=seen / "handed",
        data_inside=seen / "data",
        root_inside=repo if confined else program.resolve(),
        moved_from="" if confined else str(repo),
        confined=confined,
        withheld=(
            *withheld_in_words(copies),
            *(sandbox.withheld(interpreter, repo) if confined else ()),
        ),
    )


def _require_consent(request: TrialRequest, interpreter: Interpreter) -> None:
    """A job asks before it starts whether a sandbox works with our own interpreter; the repo's may differ."""
    if request.sandbox is not SandboxMode.NONE and not goes_without_sandbox():
        raise ConsentError(
            f"no sandbox works with the interpreter {interpreter.executable}, and you have not consented to going on "
            f"without one. {sandbox.WITHOUT_SANDBOX}. If you want that all the same, pass --no-sandbox; `evolverec "
            "doctor` says what helps"
        )


def clear(request: TrialRequest) -> None:
    delete_tree(request.folder / "work")


def _secrets_of(request: TrialRequest, interpreter: Interpreter) -> list[Path]:
    """What must stay hidden even where it lies below something that is shown: the log, copies beside it, the store."""
    source, repo = request.config.data.source, request.repo
    named = [path for path in (source_path(source, repo), *files_of(source, root=repo)) if exists(path)]
    installed = [*interpreter.prefixes, *interpreter.packages, Path("/usr")]
    beside = copies_beside(request, named, installed)
    return [*named, *beside, store_folder(repo), request.data.folder]
