"""The commands that look something up and run nothing: `explain` and `library`."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli import output
from server.cli.options import Json
from server.cli.running import repo_at


def explain(
    code: Annotated[str, typer.Argument(help="The code of a finding.", show_default=False)],
    repo: Annotated[Path, typer.Argument(help="The repo's folder.")] = Path(),
    as_json: Json = False,
) -> None:
    """Say what a code means, what it is and was in this repo, and what usually helps."""
    from server.cli.explaining import explain_document, show_explanation

    here = repo_at(repo) if repo != Path() or Path("evolverec.toml").is_file() else None
    output.deliver(explain_document(here, code), as_json=as_json, show=show_explanation)


def library(
    query: Annotated[str, typer.Argument(help="Words to search for; default: list all.")] = "",
    code: Annotated[str, typer.Option("--code", help="The code of a finding or a critique.")] = "",
    as_json: Json = False,
) -> None:
    """Look up techniques of the field, by words or by the code of what is wrong."""
    from server.cli.library import library_document, show_library

    output.deliver(library_document(query, code), as_json=as_json, show=show_library)
