"""The kit that adapters are written with: a file of the repo that is no part of what is measured, as little as a library is."""

KIT = "evolverec_kit.py"  # its name wherever it lies; the worker has the same in `guest/tracing_frames.py`


def is_kit(path: str) -> bool:
    """Whether a path, with "/", is that of the kit."""
    return path.rpartition("/")[2] == KIT
