"""What of the kernel's own files a sandbox shows: of /proc its processes and a few figures, of /sys the processors.

Root owns these files, so for a job of root's the kernel asks no capability before it lets a worker write to them
(`core_pattern` names a program that the kernel runs as root, outside). All of them are therefore read-only, and what no
library reads is covered.
"""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

NOTHING = Path(__file__).with_name("nothing.txt")  # an empty file, to cover others with
_PROC = Path("/proc")
_READ = frozenset(
    # psutil, numpy, torch, OpenMP and the C library read these
    {"cpuinfo", "meminfo", "stat", "uptime", "loadavg", "version", "filesystems", "vmstat"}
)
_READ_FOR_GPU = frozenset({"devices", "modules"})  # CUDA's driver library
_SETTINGS = (
    "kernel/cap_last_cap",
    "kernel/ngroups_max",
    "kernel/osrelease",
    "kernel/ostype",
    "kernel/pid_max",
    "kernel/random/boot_id",
    "kernel/random/uuid",
    "kernel/threads-max",
    "kernel/version",
    "vm/max_map_count",
    "vm/mmap_min_addr",
    "vm/overcommit_memory",
)
_SYS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
_SYS_FOR_GPU = (
    *("/sys/bus/pci", "/sys/class/drm", "/sys/class/kfd", "/sys/dev/char"),
    *("/sys/devices/platform", "/sys/devices/virtual/kfd", "/sys/module/amdgpu"),
)
_SYS_FOR_GPU_PATTERNS = ("devices/pci*", "module/nvidia*")
_NVIDIA = "/proc/driver/nvidia"


def kernel_arguments(*, gpu: bool) -> list[str]:
    """bubblewrap's arguments for /proc and /sys."""
    arguments = ["--proc", "/proc", *_covers(_READ | _READ_FOR_GPU if gpu else _READ)]
    arguments += _bound(f"/proc/sys/{name}" for name in _SETTINGS)
    if gpu:
        arguments += _bound([_NVIDIA])
    arguments += _bound([*_SYS, *(_sys_for_gpu() if gpu else ())])
    for covered in ("/proc/sys", "/proc/driver", "/proc"):
        if Path(covered).is_dir():
            arguments += ["--remount-ro", covered]
    return arguments


@cache
def _covers(shown: frozenset[str]) -> tuple[str, ...]:
    """Cover everything in /proc but processes, links (to what is the reader's own) and what is shown."""
    arguments: list[str] = []
    for entry in sorted(os.scandir(_PROC), key=lambda entry: entry.name):
        if entry.name.isdigit() or entry.name in shown or entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            arguments += ["--tmpfs", entry.path]
        else:
            arguments += ["--ro-bind", str(NOTHING), entry.path]
    return tuple(arguments)


def _bound(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--ro-bind-try", path, path)]


def _sys_for_gpu() -> Iterator[str]:
    yield from _SYS_FOR_GPU
    for pattern in _SYS_FOR_GPU_PATTERNS:
        yield from (str(path) for path in sorted(Path("/sys").glob(pattern)))
