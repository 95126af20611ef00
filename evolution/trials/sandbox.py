"""The sandbox of workers and analysts: an allow-list of what a process can see, by bubblewrap.

Nothing is there that is not named here: no data source, no `.evolverec`, no home folder, no code of ours, no
network, no other process, and an environment of our own making.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path

from evolution.base.places import PACKAGE_ROOT, STORE_FOLDER
from evolution.trials import launching
from evolution.trials.interpreter import Interpreter, interpreter_at
from evolution.trials.interpreter_view import InterpreterView, view_of
from evolution.trials.kernel_view import covering, kernel_arguments
from evolution.trials.syscalls import this_processor

BWRAP = shutil.which("bwrap") or "/usr/bin/bwrap"
OUR_NAMES = ("server", "evolution", "diagnosis", "simulator", "seeds", "evolverec_entry.py")
NOT_INSTALLED = "is not installed"
NO_SANDBOX_WARNING = (
    "none, as you agreed: the candidate could read what you can read, labels among it, and its limits stop accidents, "
    "not attackers"
)
WITHOUT_SANDBOX = (
    "Without a sandbox the repo's code and every candidate run as you: they can read your files and the labels, use the "
    "network, and their limits stop accidents, not attackers"
)
_SYSTEM = (
    "/usr",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
)
_SYSTEM_OR_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# Threads that have nothing to do sleep. Those of OpenMP spin else, which on a busy machine costs many times the work.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "CUDA_DEVICE_ORDER", "HSA_OVERRIDE_GFX_VERSION")

TRIED_S = 20.0  # a sandbox starts within milliseconds
TRIES = 3
# What a person or a machine without memory sends; other signals are a program's own faults.
_SENT = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How strongly this machine lets a process be confined. problem: why not at all, "" where it is.

    filtered: calls that no training needs are taken away. nesting_refused: no namespaces can be made inside.
    """

    problem: str = ""
    filtered: bool = False
    nesting_refused: bool = False

    def arguments(self) -> list[str]:
        """bubblewrap's."""
        nesting = ["--unshare-user", "--disable-userns"] if self.nesting_refused else []
        return [*nesting, *(["--seccomp", launching.FILTER] if self.filtered else [])]

    def lacks(self) -> tuple[str, ...]:
        """What is missing of a sandbox that works, in words."""
        filter_ = "no filter of system calls: this kernel or processor does not take it"
        nesting = "user namespaces can be made inside: bubblewrap is older than 0.8.0, or may not forbid it"
        return tuple(
            words for words, there in ((filter_, self.filtered), (nesting, self.nesting_refused)) if not there
        )


@dataclass(frozen=True, kw_only=True)
class Mount:
    source: Path
    target: Path
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What one process may see beyond its interpreter and the system. hidden: never, even below a mount."""

    mounts: Sequence[Mount]
    hidden: Sequence[Path] = ()
    gpu: bool = False
    tmp_bytes: int = 2 << 30
    environment: Mapping[str, str] = field(default_factory=dict)


def sandboxed(
    command: Sequence[str], confinement: Confinement, interpreter: Interpreter, cwd: Path
) -> list[str]:
    """The command line that runs `command` under bubblewrap, as strongly as this machine lets it; `launching` starts it."""
    return _bubblewrap(_strength(interpreter), command, confinement, interpreter, cwd)


def _bubblewrap(
    strength: Strength, command: Sequence[str], confinement: Confinement, interpreter: Interpreter, cwd: Path
) -> list[str]:
    arguments = [
        BWRAP,
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--clearenv",
    ]
    arguments += strength.arguments()
    arguments += _system_mounts(confinement)
    view = _view(interpreter, confinement)
    of_interpreter = [Mount(source=path, target=path) for path in view.shown]
    for mount in _by_depth([*of_interpreter, *confinement.mounts]):
        arguments += ["--bind" if mount.writable else "--ro-bind", str(mount.source), str(mount.target)]
    for link, target in view.links:
        arguments += ["--symlink", target, str(link)]
    arguments += _hiding(confinement, view)
    for name, value in confinement.environment.items():
        arguments += ["--setenv", name, value]
    for folder in ("/dev", "/"):  # no limit counts what is written to bubblewrap's own folders
        arguments += ["--remount-ro", folder]
    return [*arguments, "--chdir", str(cwd), "--", *command]


def clean_environment(threads: int, gpu: str) -> dict[str, str]:
    """All that a worker's environment holds. No secret of the user's is passed on."""
    count = str(threads)
    thread_limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    visible = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "USER": "evolverec",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        **dict.fromkeys(thread_limits, count),
        **WAITING,
        **(dict.fromkeys(visible, gpu) if gpu else {}),
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    }


def withheld(interpreter: Interpreter, program: Path) -> tuple[str, ...]:
    """What editable packages name and a worker of this program does not see, in sentences."""
    found = view_of(interpreter, (program,)).withheld
    return tuple(
        f"{path} is on the interpreter's path and is not shown to the worker: {why}" for path, why in found
    )


def works(interpreter: Interpreter) -> bool:
    """Whether a process of this interpreter starts under bubblewrap here."""
    return not _strength(interpreter).problem


def sandbox_problem() -> str:
    """Why there is no sandbox on this machine, tried with our own interpreter; "" where there is one."""
    return _strength(interpreter_at(Path(sys.executable))).problem


def sandbox_advice(problem: str) -> str:
    """What to do about a problem that `sandbox_problem` told, in words that begin a sentence."""
    if not sys.platform.startswith("linux"):
        return "A Linux machine, container or virtual machine has one"
    if problem.endswith(NOT_INSTALLED):
        return "Install the package bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`)"
    for file, forbidding, advice in _FORBIDDEN_BY:
        with contextlib.suppress(OSError):
            if Path(file).read_text(encoding="ascii").strip() == forbidding:
                return advice
    return (
        "bubblewrap needs user namespaces; in a container, what starts the container must allow them and an own /proc "
        "(Docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)"
    )


_FORBIDDEN_BY = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor forbids user namespaces, as Ubuntu does since 23.10: give bubblewrap a profile that allows them (a file "
        "/etc/apparmor.d/bwrap with `profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`, then "
        "`systemctl reload apparmor`), or set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "This kernel forbids user namespaces: set the sysctl kernel.unprivileged_userns_clone to 1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "This kernel allows no user namespaces: set the sysctl user.max_user_namespaces to 15000",
    ),
)


def sandbox_lacks() -> tuple[str, ...]:
    """What the sandbox of this machine does without, in words."""
    return _strength(interpreter_at(Path(sys.executable))).lacks()


class _Killed(Exception):
    """Somebody killed what was tried, each time: that says nothing about this machine, and is not remembered."""


def _strength(interpreter: Interpreter) -> Strength:
    """The most that works here."""
    try:
        return _known_strength(interpreter)
    except _Killed as killed:
        return Strength(problem=f"bubblewrap is killed by a signal ({killed}) each time that it is tried")


@cache
def _known_strength(interpreter: Interpreter) -> Strength:
    """Raises _Killed, which is not cached."""
    if not sys.platform.startswith("linux"):
        return Strength(problem="bubblewrap needs Linux")
    if not Path(BWRAP).exists():
        return Strength(problem=f"bubblewrap {NOT_INSTALLED}")
    try:
        return _strongest(interpreter)
    except subprocess.TimeoutExpired:
        return Strength(problem=f"bubblewrap gives no answer within {TRIED_S:g} s")


def _strongest(interpreter: Interpreter) -> Strength:
    """Tried from the strongest. Raises TimeoutExpired at the first that hangs: the next would hang as well."""
    first = ""
    for filtered, nested_refused in product(_possible(_can_filter()), _possible(_can_refuse_nesting())):
        tried = Strength(filtered=filtered, nesting_refused=nested_refused)
        problem = _tried(tried, interpreter)
        if not problem:
            return tried
        first = first or problem
    return Strength(problem=first)


def _possible(wanted: bool) -> tuple[bool, ...]:
    return (True, False) if wanted else (False,)


def _can_filter() -> bool:
    return this_processor() is not None


def _can_refuse_nesting() -> bool:
    """bubblewrap has --disable-userns since 0.8.0, where it is not setuid. Raises TimeoutExpired."""
    try:
        _, told = _ended([BWRAP, "--help"])
    except OSError:
        return False
    return "--disable-userns" in told


def _tried(strength: Strength, interpreter: Interpreter) -> str:
    """What is wrong with a sandbox of this strength; "" for nothing. Raises TimeoutExpired."""
    confinement = Confinement(mounts=(), environment=clean_environment(1, ""))
    command = [str(interpreter.executable), "-s", "-B", "-c", ""]
    wrapped = _bubblewrap(strength, command, confinement, interpreter, Path("/"))
    try:
        code, said = _ended(wrapped)
    except OSError as error:
        return f"bubblewrap does not start: {error}"
    return "" if code == 0 else f"bubblewrap does not start: {said.strip()[-300:]}"


def _ended(command: Sequence[str]) -> tuple[int, str]:
    """Exit status and output of a command, which is started again where it was killed. Raises OSError; _Killed;
    TimeoutExpired, with the command and what it started ended."""
    number = 0
    for _ in range(TRIES):
        status, said = _ended_once(command)
        # bubblewrap tells the death of what runs inside as a shell does
        number = -status if status < 0 else status - 128
        if number not in _SENT:
            return status, said
    raise _Killed(number)


def _ended_once(command: Sequence[str]) -> tuple[int, str]:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with launching.start(command, **pipes, start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=TRIED_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, said.decode(errors="replace")


def _system_mounts(confinement: Confinement) -> list[str]:
    arguments = ["--dev", "/dev"]
    for folder in ("/tmp", "/dev/shm"):
        arguments += ["--size", str(confinement.tmp_bytes), "--tmpfs", folder]
    for name in _SYSTEM:
        arguments += ["--ro-bind-try", name, name]
    for name in _SYSTEM_OR_LINKS:
        if Path(name).is_symlink():
            arguments += ["--symlink", str(Path(name).readlink()), name]
        else:
            arguments += ["--ro-bind-try", name, name]
    if confinement.gpu:
        for device in gpu_devices():
            arguments += ["--dev-bind", str(device), str(device)]
    return arguments + kernel_arguments(gpu=confinement.gpu)


def gpu_devices() -> list[Path]:
    found = [*Path("/dev").glob("nvidia*"), Path("/dev/kfd"), Path("/dev/dri"), Path("/dev/dxg")]
    return [path for path in found if path.exists()]


def _view(interpreter: Interpreter, confinement: Confinement) -> InterpreterView:
    return view_of(interpreter, tuple(mount.target for mount in confinement.mounts if mount.writable))


def _by_depth(mounts: Sequence[Mount]) -> list[Mount]:
    """Outer folders first, so that what lies inside another mount is not covered by it."""
    unique = {mount.target: mount for mount in mounts}
    return sorted(unique.values(), key=lambda mount: (len(mount.target.parts), str(mount.target)))


def _hiding(confinement: Confinement, view: InterpreterView) -> list[str]:
    """Cover what must not be seen but lies below something shown: labels, our own code, stores of other repos."""
    hidden = [*confinement.hidden, *(PACKAGE_ROOT / name for name in OUR_NAMES)]
    hidden += [path / STORE_FOLDER for path in view.shown]
    own = {mount.target for mount in confinement.mounts}
    shown = [Path("/usr"), *view.shown, *own]
    arguments: list[str] = []
    for path in dict.fromkeys(path.resolve() for path in hidden):
        below = any(path.is_relative_to(folder) for folder in shown)
        covered = any(path.is_relative_to(target) for target in own)
        if path.exists() and below and not covered:
            arguments += covering(path)
    return arguments
