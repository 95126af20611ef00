"""Chooses the device of trials from the user's wish and what torch in the user's interpreter can use."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.repo.settings import UserSettings, available_cores
from evolution.trials.interpreter import answer_about_torch, does_not_run

THREADS = "OMP_NUM_THREADS"
PROBE = """
import json, sys
cuda, mps = 0, False
try:
    import torch
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = bool(torch.backends.mps.is_available())
except ImportError:
    pass
json.dump({"cuda": cuda, "mps": mps}, sys.stdout)
"""


@dataclass(frozen=True, kw_only=True)
class Device:
    """name: in a trial's key, e.g. "cpu/1" (threads), "cuda", "mps". kind: "cpu", "cuda", "mps". slots: trials at once."""

    name: str
    kind: str
    slots: int


def choose_device(wanted: str, settings: UserSettings) -> Device:
    """wanted: "auto", "cpu", "cuda" or "mps". "auto" prefers a GPU. Raises UsageError if the device is absent."""
    found = {"cuda": 0, "mps": False}
    if wanted in ("cuda", "mps") or (wanted == "auto" and _may_have_gpu()):
        found = _ask(settings.python)
    if wanted in ("auto", "cuda") and found["cuda"]:
        return Device(name="cuda", kind="cuda", slots=int(found["cuda"]))
    if wanted in ("auto", "mps") and found["mps"]:
        return Device(name="mps", kind="mps", slots=1)
    if wanted in ("cuda", "mps"):
        raise UsageError(
            f"device {wanted} was asked for, but torch in {settings.python} sees none; use --device cpu, or training.device "
            '= "cpu" in evolverec.toml'
        )
    threads = _asked_threads() or max(1, available_cores() // settings.slots)
    return Device(name=f"cpu/{threads}", kind="cpu", slots=settings.slots)


def _asked_threads() -> int:
    """OMP_NUM_THREADS of whoever started the job, at most as many as there are cores; 0 where it says nothing."""
    outer = os.environ.get(THREADS, "").partition(",")[0].strip()
    return min(int(outer), available_cores()) if outer.isdecimal() else 0


def _may_have_gpu() -> bool:
    """A quick check of the platform, which saves CPU-only machines the seconds that importing torch takes."""
    return sys.platform == "darwin" or any(
        Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
    )


def _ask(python: str) -> dict[str, int | bool]:
    try:
        return json.loads(answer_about_torch(python, PROBE))
    except (subprocess.SubprocessError, OSError, json.JSONDecodeError) as error:
        raise UsageError(does_not_run(python, error)) from None
