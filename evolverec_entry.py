"""The one door into evolverec, under a name that no user's repo has.

A repo may own packages called `server` or `simulator`, stand in the working directory or be on PYTHONPATH.
So before any package of ours is imported, this module drops both from the module search path and puts the
folder it was loaded from first. Nothing else happens here.
"""

import os
import sys
from pathlib import Path

OWN_ROOT = Path(__file__).resolve().parent


def isolate_path() -> None:
    """Drop the working directory and PYTHONPATH from `sys.path`; our own root comes first."""
    unwanted = {Path.cwd().resolve()}
    unwanted |= {
        Path(entry).resolve() for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry
    }
    unwanted.discard(OWN_ROOT)
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() not in unwanted]
    sys.path[:] = [str(OWN_ROOT), *(entry for entry in sys.path if entry != str(OWN_ROOT))]


def main() -> int:
    """Entry point of the console script `evolverec` and of `python -m evolverec_entry`."""
    isolate_path()
    from server.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
