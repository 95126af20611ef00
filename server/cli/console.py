"""The terminal that documents are shown on."""

from rich.console import Console


def console() -> Console:
    """One that breaks words only where a person reads prose; source lines and paths stay whole."""
    return Console(highlight=False, soft_wrap=True)
