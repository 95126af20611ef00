"""What the user's interpreter is: where it lives, and what lies on its path. Asked once per interpreter."""

import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.repo.settings import another_interpreter

OLDEST = (3, 9)
NUMPY_MISSING = "numpy is missing in the interpreter that runs repos; every worker needs it"
_QUESTION = """
import importlib.util, json, sys
print(json.dumps({"numpy": importlib.util.find_spec("numpy") is not None, "executable": sys.executable, "version": list(sys.version_info[:2]), "path": sys.path,
                  "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]}))
"""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """prefixes: folders that hold its library. packages: folders of installed packages, the user's own included.
    path: its whole `sys.path`."""

    executable: Path
    version: tuple[int, int]
    prefixes: tuple[Path, ...]
    packages: tuple[Path, ...]
    path: tuple[str, ...]


def interpreter_at(python: Path) -> Interpreter:
    """Raises UsageError: it cannot be run, is older than 3.9, or has no numpy."""
    return _asked(python.absolute(), python.stat().st_mtime_ns if python.exists() else 0)


@cache
def _asked(python: Path, changed_ns: int) -> Interpreter:
    try:
        answer = subprocess.run(
            [python, "-E", "-B", "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            cwd="/",
        )
        known = json.loads(answer.stdout)
        version = (int(known["version"][0]), int(known["version"][1]))
        path = tuple(str(entry) for entry in known["path"] if entry)
        prefixes = {Path(prefix) for prefix in known["prefixes"]}
        executable, has_numpy = Path(known["executable"]), known["numpy"]
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        raise UsageError(does_not_run(python, error)) from error
    if version < OLDEST:
        raise UsageError(
            f"the interpreter {python} is Python {version[0]}.{version[1]}; a worker needs 3.9 or later. "
            f"Else {another_interpreter()}"
        )
    if not has_numpy:
        raise UsageError(
            f"{NUMPY_MISSING}. Install it: `{python} -m pip install numpy`; else {another_interpreter()}"
        )
    packages = {Path(entry) for entry in path if {"site-packages", "dist-packages"} & set(Path(entry).parts)}
    return Interpreter(
        executable=executable,
        version=version,
        prefixes=tuple(sorted(prefixes)),
        packages=tuple(sorted(packages)),
        path=path,
    )


def does_not_run(python: object, error: Exception) -> str:
    """What the user is told where asking an interpreter ended with `error`."""
    if isinstance(error, subprocess.TimeoutExpired):
        why = f"it gives no answer within {error.timeout:g} s"
    elif isinstance(error, subprocess.CalledProcessError):
        said = str(error.stderr or "").strip().splitlines()
        why = f"it ends with status {error.returncode}" + (f" and says {said[-1][:200]!r}" if said else "")
    elif isinstance(error, (ValueError, LookupError, TypeError)):
        why = "what it prints is not what a Python would"
    else:
        why = str(error)
    return f"the interpreter {python} does not run Python: {why}; {another_interpreter()}"
