"""What a user should know although nothing failed, said on stderr: in a terminal, a job's log, or a language server's log."""

import sys

from evolution.base.plain_text import plain_text


def notice(text: str) -> None:
    """Say it, in one line."""
    print(f"evolverec: {plain_text(text)}", file=sys.stderr, flush=True)
