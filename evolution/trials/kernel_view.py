"""What of the kernel's own files a sandbox shows: of /proc its processes and a few figures, of /sys the processors.

Root owns these files, so for a job of root's the kernel asks no capability before it lets a worker write to them
(`core_pattern` names a program that the kernel runs as root, outside). All of them are therefore read-only, and what no
library reads is covered.
"""

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
    arguments += ["--tmpfs", "/proc/sys", *_bound(f"/proc/sys/{name}" for name in _SETTINGS)]
    if gpu and Path(_NVIDIA).is_dir():
        arguments += ["--tmpfs", "/proc/driver", *_bound([_NVIDIA]), "--remount-ro", "/proc/driver"]
    arguments += _bound([*_SYS, *(_sys_for_gpu() if gpu else ())])
    return [*arguments, "--remount-ro", "/proc/sys", "--remount-ro", "/proc"]


def covering(path: Path) -> list[str]:
    """bubblewrap's arguments that put nothing in a file's or folder's place."""
    if path.is_dir():
        return [
            "--tmpfs",
            str(path),
            "--remount-ro",
            str(path),
        ]  # else it could be filled with what no limit counts
    return ["--ro-bind", str(NOTHING), str(path)]


@cache
def _covers(shown: frozenset[str]) -> tuple[str, ...]:
    """Cover everything in /proc but processes, links (to what is the reader's own) and what is shown."""
    arguments: list[str] = []
    for path in sorted(_PROC.iterdir()):
        apart = path.name.isdigit() or path.is_symlink() or path.name == "sys"
        if not apart and path.name not in shown:
            arguments += covering(path)
    return tuple(arguments)


def _bound(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--ro-bind-try", path, path)]


def _sys_for_gpu() -> Iterator[str]:
    yield from _SYS_FOR_GPU
    for pattern in _SYS_FOR_GPU_PATTERNS:
        yield from (str(path) for path in sorted(Path("/sys").glob(pattern)))
