"""`evolverec/setup`: the checks of `evolverec doctor` on this machine and a folder.

The checks start the user's interpreter and ask the LLM's endpoint, so they run in a process of their own.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from evolution.base.errors import EvolverecError, UsageError
from evolution.base.places import CONFIG_NAME, ENTRY
from server.lsp.panels.asking import Document, text
from server.lsp.places import place_named
from server.lsp.session import Session
from server.lsp.settings import interpreter

PATIENCE_S = 120.0


async def setup(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/setup`, `{"folder": path or URI}`. Raises UsageError if there is no such folder."""
    named = text(params, "folder")
    folder = place_named(named)
    if folder is None or not folder.is_dir():
        raise UsageError(f"folder is {named[:200]!r}; expected the path or URI of a folder that exists")
    async with session.processes:
        document = await _doctor(folder, interpreter(session.settings, os.environ))
    return {
        "folder": str(folder),
        "hasConfig": (folder / CONFIG_NAME).is_file(),
        "ok": document["ok"],
        "checks": document["checks"],
    }


async def _doctor(folder: Path, python: str) -> Document:
    arguments = [str(ENTRY), "doctor", str(folder), "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        *(["--python", python] if python else []),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    said = b""
    try:
        out, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return json.loads(out)
    except TimeoutError:
        raise EvolverecError(
            f"the checks took more than {PATIENCE_S:.0f} s; run `evolverec doctor {folder}` to see where they stop"
        ) from None
    except ValueError:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise EvolverecError(
            f"evolverec doctor did not answer: {''.join(last) or 'it said nothing'}"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
