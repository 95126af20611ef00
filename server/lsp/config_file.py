"""Errors in evolverec.toml, shown in it as the user types."""

from lsprotocol import types

from server.lsp.positions import code_range, lines_of
from server.lsp.session import Session


async def diagnose(session: Session, uri: str) -> list[types.Diagnostic]:
    text = session.text_of(uri)
    problems = await session.background.store(check, text) if text is not None else []
    lines = lines_of(text or "")
    return [
        types.Diagnostic(
            range=code_range(lines, line - 1, line - 1, session.client.encoding),
            severity=types.DiagnosticSeverity.Error,
            code="config",
            source="evolverec",
            message=message,
        )
        for line, message in problems
    ]


def check(text: str) -> list[tuple[int, str]]:
    """(line from 1, message). pydantic is loaded when the first config is checked, not before."""
    from evolution.config import config_problems

    return config_problems(text)
