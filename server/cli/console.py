"""The terminal that commands print to."""

from rich.console import Console


def console() -> Console:
    """A rich console that does not wrap lines, so that source lines and paths stay whole."""
    return Console(highlight=False, soft_wrap=True)
