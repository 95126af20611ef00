"""The one door into evolverec, under a name that no user's repo has.

A repo may own packages called `server` or `simulator`, stand in the working directory or be on PYTHONPATH.
So before any package of ours is imported, this module drops both from the module search path and puts the
folder it was loaded from first. Variables that point git at another repo are dropped too, and folders of PATH that
are relative: the repo's own `git` would run in place of git. Nothing else happens here.
"""

import os
import sys
from pathlib import Path

OWN_ROOT = Path(__file__).resolve().parent
CALLERS_GIT = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
)


def isolate_path() -> None:
    """Drop the working directory and PYTHONPATH from `sys.path`; our own root comes first."""
    named = [".", *(entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry)]
    unwanted = {_resolved(entry) for entry in named} - {OWN_ROOT} | {None}
    sys.path[:] = [entry for entry in sys.path if entry and _resolved(entry) not in unwanted]
    sys.path[:] = [str(OWN_ROOT), *(entry for entry in sys.path if entry != str(OWN_ROOT))]


def _resolved(entry: str) -> Path | None:
    """None where nothing can be: the working directory was deleted, or links lead in a circle."""
    try:
        return Path(entry).resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def forget_callers_git() -> None:
    """Drop the variables by which git names a repo: set in a git hook, they would make ours work on the caller's repo
    instead of the one that was asked for. The names are those of `git rev-parse --local-env-vars`."""
    for name in CALLERS_GIT:
        os.environ.pop(name, None)


def forget_relative_programs() -> None:
    """Drop the entries of PATH that mean the working directory or a folder in it (".", an empty one): programs such as
    git and bubblewrap are started in the repo's folder, before anybody has agreed to run what the repo brings."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    absolute = [folder for folder in folders if Path(folder).is_absolute()]
    os.environ["PATH"] = os.pathsep.join(absolute) or os.defpath


def main() -> int:
    """Entry point of the console script `evolverec` and of `python -m evolverec_entry`."""
    isolate_path()
    forget_callers_git()
    forget_relative_programs()
    from server.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
