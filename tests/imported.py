"""Modules that a test imports from a repo are forgotten after it: other repos have modules of the same names."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KIT_SCRATCH = "evolverec-kit-"  # where the adapter kit runs a repo's program


@contextmanager
def forgetting(folder: Path) -> Iterator[None]:
    """Forget on leaving what was imported meanwhile from below `folder` or from the kit's scratch folders."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            module = sys.modules[name]
            file = str(getattr(module, "__file__", None) or "")
            is_script = name != "__main__" and getattr(module, "__name__", name) == "__main__"
            if is_script or str(folder) in file or KIT_SCRATCH in file:
                del sys.modules[name]
