"""An agent's command line in the place of an endpoint: the prompt goes to its stdin, its answer is what it prints.

The command stands in the user's own settings, and runs with the user's environment, for it is the user's program and may need its
own login. It is no shell line. It runs in an empty folder, so that an agent finds no repo to read or change there.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from evolution.llm.endpoint import MAX_BODY_BYTES, Completion, Endpoint, Failed, Remedy
from evolution.llm.settings import LlmSettings

MODEL = "{model}"  # in an argument: the model for the role that asks
LOOK_EVERY_S = 0.05
SAID = 200  # characters of its errors that are told


def endpoint_of(settings: LlmSettings) -> Endpoint:
    """The endpoint that the user's settings name: a command, or an address."""
    return CommandEndpoint(settings) if settings.command else Endpoint(settings)


def missing_command(settings: LlmSettings) -> str:
    """Why the settings' command cannot be started, "" if it can, or if they name none."""
    if not settings.command or shutil.which(settings.command[0]):
        return ""
    return f"there is no program {settings.command[0]!r}; correct `command` in the [llm] table, or install it"


class CommandEndpoint(Endpoint):
    """The settings' command. It takes no schema, so the client tells the schema in words."""

    def close(self) -> None:
        """Nothing stays open between two questions."""

    def models(self, *, cancelled: Callable[[], bool] = lambda: False) -> list[str]:
        """The models of all roles: a command lists none. Raises Failed if it cannot be started."""
        if why := missing_command(self.settings):
            raise Failed(Remedy.HOPELESS, why)
        return list(self.settings.models_used())

    def fetch(self, *_: Any, **__: Any) -> str:
        """Raises Failed: other requests than for a chat completion, such as a search of the web, need an address."""
        raise Failed(
            Remedy.HOPELESS, "a command answers prompts only; for this an endpoint with an address is needed"
        )

    def complete(self, body: Mapping[str, Any], *, prompt: str, cancelled: Callable[[], bool]) -> Completion:
        """What the command prints. Raises Failed. What it used is not known, so the client estimates it."""
        if "response_format" in body:
            raise Failed(Remedy.OTHERWISE, "a command takes no schema")
        arguments = [part.replace(MODEL, str(body["model"])) for part in self.settings.command]
        text = self._printed(arguments, as_text(body["messages"]), cancelled)
        return Completion(text=text, finish="stop", refusal="", usage=None)

    def _printed(self, arguments: Sequence[str], text: str, cancelled: Callable[[], bool]) -> str:
        with (
            tempfile.TemporaryDirectory(prefix="evolverec-llm-") as folder,
            tempfile.TemporaryFile() as asked,
            tempfile.TemporaryFile() as printed,
            tempfile.TemporaryFile() as errors,
        ):
            asked.write(text.encode("utf-8", "replace"))
            asked.seek(0)
            try:
                process = subprocess.Popen(
                    arguments, stdin=asked, stdout=printed, stderr=errors, cwd=folder, start_new_session=True
                )
            except OSError as error:
                said = f"{arguments[0]} cannot be started: {error.strerror or error}"
                raise Failed(Remedy.HOPELESS, said) from None
            try:
                self._wait(process, printed, cancelled)
            finally:
                _end(process)
            if process.returncode:
                said = " ".join(_content(errors).split())[-SAID:] or "it said nothing"
                name = Path(arguments[0]).name
                raise Failed(Remedy.AGAIN, f"{name} ended with {process.returncode}: {said}", billed=True)
            return _content(printed)

    def _wait(
        self, process: subprocess.Popen[bytes], printed: IO[bytes], cancelled: Callable[[], bool]
    ) -> None:
        """Returns when the command has ended. Raises Failed if it takes too long, prints too much, or is cancelled."""
        deadline = time.monotonic() + self.settings.timeout_s
        while process.poll() is None:
            if os.fstat(printed.fileno()).st_size > MAX_BODY_BYTES:
                said = f"its answer is larger than {MAX_BODY_BYTES >> 20} MiB"
                raise Failed(Remedy.HOPELESS, said, billed=True)
            if cancelled():
                raise Failed(Remedy.HOPELESS, "cancelled before it had answered", billed=True)
            if time.monotonic() > deadline:
                raise Failed(Remedy.AGAIN, "it did not answer in time", billed=True, is_slow=True)
            time.sleep(LOOK_EVERY_S)


def as_text(messages: Sequence[Mapping[str, str]]) -> str:
    """The messages as one text: a single exchange as it stands, a longer one with who said what."""
    if len(messages) <= 2:
        return "\n\n".join(message["content"] for message in messages)
    return "\n\n".join(f"# {message['role']}\n{message['content']}" for message in messages)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MAX_BODY_BYTES + 1).decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what the command started and did not end itself."""
    with contextlib.suppress(OSError):  # it is gone
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
