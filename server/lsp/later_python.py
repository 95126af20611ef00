"""Which files are judged by the interpreter that runs a repo, because our own Python, of an earlier version, cannot read them."""

import os
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.jobs.consent import asks_for_interpreter
from evolution.repo.settings import chosen_python, is_trusted
from server.lsp.settings import ClientSettings, interpreter


def interpreter_to_ask(repo: Path, settings: ClientSettings) -> str:
    """The interpreter of the repo's jobs; "" if there is none, or the user has not agreed that it is started here.

    It reads the text and runs nothing of it, but starts outside of any sandbox.
    """
    try:
        python = chosen_python(interpreter(settings, os.environ))
        trusted = settings.trusted or is_trusted(repo)
    except UsageError:
        return ""
    return python if trusted and not asks_for_interpreter(Path(python), repo) else ""
