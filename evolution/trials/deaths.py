"""Why a worker died, and whether the candidate is to blame for it.

A process cannot be asked who killed it. What is known:

- The control group ran out of memory, or the watchdog struck: the candidate.
- The process outside the sandbox was killed, which nothing inside can reach: somebody else.
- The kernel ran out of memory while the worker was within its limit: the machine.
- SIGKILL, SIGTERM, SIGHUP or SIGINT and nothing else: the candidate may have sent it to itself, or a person, or a program that
  kills what uses most memory. This is `killed` too, but `outside` is false: the second time it is the candidate's.
"""

import re
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from evolution.domain.trial import Failure, FailureReason
from evolution.trials.entering import NOT_ENTERED
from evolution.trials.replies import LONGEST_MESSAGE
from evolution.trials.watchdog import GIB, killed_at_limit

_SENT_BY_OTHERS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_SHORT_OF_MEMORY = 0.1  # of the machine's: below it, programs such as earlyoom and systemd-oomd kill
_DISK_IS_FULL_BYTES = 64 << 20
_NO_SPACE = re.compile(r"\[Errno (28|122)\]|No space left on device|Disk quota exceeded")
# Errors of a graphics card or its driver; a faulty kernel of the candidate's says "illegal memory access" or so instead.
_LOST_GPU = re.compile(
    r"uncorrectable|ECC error|device[- ]lost|GPU is lost|fallen off the bus|all CUDA-capable devices are busy|"
    r"CUDA driver initialization failed|hardware stack error|unspecified launch failure|device not ready",
    re.IGNORECASE,
)
# As torch says it: a card's memory, what of it is free, what this process has of it.
_GPU_MEMORY = re.compile(
    r"total capacity of ([\d.]+) (\w)iB of which ([\d.]+) (\w)iB is free.*this process has ([\d.]+) (\w)iB memory in use",
    re.DOTALL,
)
_POWERS = {"K": 10, "M": 20, "G": 30, "T": 40}
_SHARE_OF_OTHERS = 0.1  # of a card's memory; less is the driver's own


@dataclass(frozen=True, kw_only=True)
class Death:
    """What is known of a worker that ended without having been asked to.

    code: as subprocess has it. wanted: what it was doing. answered: whether it ever said anything. tail: its log's end.
    grouped: whether it had a control group. group_was_full: which ran out of memory. tasks_refused: it was refused a process or thread.
    kernel_kills: how often the kernel killed anything for want of memory, meanwhile, on this machine.
    used_bytes, free_bytes: its memory, and the machine's free memory, at the last look. limit_bytes: its own.
    """

    code: int
    wanted: str
    answered: bool
    confined: bool
    tail: str
    grouped: bool
    group_was_full: bool
    tasks_refused: bool
    kernel_kills: int
    used_bytes: int
    free_bytes: int
    limit_bytes: int

    @property
    def signal(self) -> int:
        """The number of the signal that ended it, 0 for none. bubblewrap adds 128 to that of the process inside."""
        if self.code < 0:
            return -self.code
        return self.code - 128 if self.confined and self.code > 128 else 0


def failure_of(death: Death) -> Failure:
    """The failure of a trial whose worker died."""
    if death.group_was_full:
        return replace(killed_at_limit(death.limit_bytes), traceback=death.tail)
    if death.code == NOT_ENTERED and not death.answered:
        return _killed(death, "the worker could not join its control group", outside=True)
    name = _name(death.signal)
    if not name:
        words = f"the worker's process exited with status {death.code} during {death.wanted}"
        refused = (
            "; it had been refused more processes and threads than its limit" if death.tasks_refused else ""
        )
        return Failure(reason=FailureReason.CRASH, message=words + refused, traceback=death.tail)
    words = f"the worker was killed by {name} during {death.wanted}"
    if death.signal not in _SENT_BY_OTHERS:
        return Failure(reason=FailureReason.CRASH, message=words, traceback=death.tail)
    return _by_a_signal(death, words)


def _by_a_signal(death: Death, words: str) -> Failure:
    used, limit = f"{death.used_bytes / GIB:.2f} GiB", f"{death.limit_bytes / GIB:.2f} GiB"
    if death.kernel_kills and death.signal == signal.SIGKILL:
        words = (
            f"{words}: the machine ran out of memory while the worker used {used} of its limit of {limit}; close other "
            "programs, or lower training.memory_gb in evolverec.toml to what the machine has"
        )
        within = death.grouped or death.used_bytes + death.free_bytes <= death.limit_bytes
        return _killed(death, words, outside=within or _is_short(death))
    if death.confined and death.code < 0:
        return _killed(death, f"{words}, from outside its sandbox", outside=True)
    if _is_short(death):
        words = f"{words}, while the machine had {death.free_bytes / GIB:.2f} GiB of memory left and the worker used {used}"
        return _killed(death, words, outside=True)
    return _killed(death, f"{words}, by itself or by somebody else", outside=False)


def blamed(failure: Failure, folder: Path) -> Failure:
    """A failure that the worker tells of; `killed` where the machine is what failed. folder: on the disk it writes to."""
    if failure.reason is FailureReason.CRASH and _NO_SPACE.search(failure.message):
        free = shutil.disk_usage(folder).free
        if free < _DISK_IS_FULL_BYTES:
            words = f"the disk of {folder} is full ({free / 2**20:.0f} MiB left): {failure.message}"
            return replace(
                failure, reason=FailureReason.KILLED, message=words[:LONGEST_MESSAGE], outside=True
            )
    if failure.reason is FailureReason.OUT_OF_MEMORY and _held_by_others(failure.message):
        return replace(failure, reason=FailureReason.KILLED, outside=False)
    if failure.reason is FailureReason.CRASH and _LOST_GPU.search(failure.message):
        return replace(failure, reason=FailureReason.KILLED, outside=False)
    return failure


def _held_by_others(message: str) -> bool:
    """Whether other processes hold so much of a graphics card that it may have been full because of them."""
    match = _GPU_MEMORY.search(message)
    if match is None or not set(match.groups()[1::2]) <= _POWERS.keys():
        return False
    total, free, own = (float(match[n]) * 2 ** _POWERS[match[n + 1]] for n in (1, 3, 5))
    return total - free - own > _SHARE_OF_OTHERS * total


def kernel_kills() -> int:
    """How often the kernel has killed a process for want of memory since the machine started; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _killed(death: Death, words: str, *, outside: bool) -> Failure:
    return Failure(reason=FailureReason.KILLED, message=words, traceback=death.tail, outside=outside)


def _is_short(death: Death) -> bool:
    return death.free_bytes < _SHORT_OF_MEMORY * psutil.virtual_memory().total


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
