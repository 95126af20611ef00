"""Runs a script in the sandbox of workers, as this user or as an ordinary one."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evolution.trials import launching, sandbox
from evolution.trials.interpreter import Interpreter, interpreter_at
from evolution.trials.kernel_view import NOTHING

SYSTEM_PYTHON = Path("/usr/bin/python3")
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
NO_ENVIRONMENT: Mapping[str, str] = {}


def said_inside(script: str, *, as_nobody: bool, gpu: bool = False) -> Any:
    """The JSON that the script prints as its last line."""
    interpreter, before = _ordinary() if as_nobody else (interpreter_at(Path(sys.executable)), ())
    confinement = sandbox.Confinement(mounts=(), gpu=gpu, environment=sandbox.clean_environment(1, ""))
    command = [str(interpreter.executable), "-s", "-B", "-c", script]
    wrapped = [*before, *sandbox.sandboxed(command, confinement, interpreter, Path("/tmp"))]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with launching.start(wrapped, **pipes) as process:
        said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong.decode()
    return json.loads(said.splitlines()[-1])


def _ordinary() -> tuple[Interpreter, tuple[str, ...]]:
    if os.getuid() != 0:
        pytest.skip("the tests do not run as root, so the other half of this test is an ordinary user's")
    if not shutil.which("setpriv") or not SYSTEM_PYTHON.exists():
        pytest.skip("setpriv or /usr/bin/python3 is missing, by which root would try it as an ordinary user")
    if subprocess.run([*NOBODY, "test", "-r", str(NOTHING)], check=False).returncode:
        pytest.skip("an ordinary user cannot read this checkout")
    usr = Path("/usr")
    interpreter = Interpreter(executable=SYSTEM_PYTHON, version=sys.version_info[:2], prefixes=(usr,))
    return interpreter, NOBODY
