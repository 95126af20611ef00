"""VS Code as a server: one process group for a test, with settings, extensions and data of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

SETTINGS = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "telemetry.telemetryLevel": "off",
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": False,
    "update.mode": "none",
    "files.autoSave": "off",
    "editor.accessibilitySupport": "off",  # a screen reader's mode hides squiggles' hovers
    "editor.minimap.enabled": False,
    "editor.stickyScroll.enabled": False,
    "chat.commandCenter.enabled": False,
    "window.commandCenter": False,
    "workbench.layoutControl.enabled": False,
    "workbench.hover.delay": 600_000,  # the tooltip of one row would cover the next
    "git.blame.statusBarItem.enabled": False,
}
START_S, STOP_S = 60.0, 10.0
ATTEMPTS = 4


class CodeServer:
    """installed: as install_code_server.sh leaves it. home: a folder of the test's own. theme: "" for the usual one."""

    def __init__(self, installed: Path, home: Path, *, theme: str = "") -> None:
        self._program = [str(installed / "node"), str(installed / "code-server")]
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        (home / "config.yaml").write_text("auth: none\ncert: false\n")
        self._write("data/User/settings.json", SETTINGS | ({"workbench.colorTheme": theme} if theme else {}))
        self.set_machine({"evolverec.path": sys.executable})

    def set_machine(self, settings: dict[str, Any]) -> None:
        """Of the server's own machine: where names of executables are read from, as in any remote window."""
        self._write("data/Machine/settings.json", settings)

    def _write(self, name: str, value: Any) -> None:
        path = self._home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))

    def install(self, extension: Path) -> None:
        command = [*self._command(), "--install-extension", str(extension)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=_environment())
        assert done.returncode == 0, f"the extension could not be installed: {done.stdout}{done.stderr}"

    def start(self) -> None:
        """Again where it gave up: it allows its own second process ten seconds, which a loaded machine may exceed."""
        for _ in range(ATTEMPTS):
            self._process = self._launch()
            if self._is_up():
                return
            self.stop()
        raise AssertionError(f"code-server did not start: {(self._home / 'server.log').read_text()}")

    def _launch(self) -> subprocess.Popen[bytes]:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [*self._command(), "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry"]
        command += ["--disable-update-check", "--disable-getting-started-override"]
        with (self._home / "server.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )

    def _is_up(self) -> bool:
        """Waits for its answer; False where it ended or does not come."""
        assert self._process
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False

    def language_servers(self) -> list[psutil.Process]:
        """The running evolverec servers of this editor."""
        assert self._process
        found = psutil.Process(self._process.pid).children(recursive=True)
        return [
            process for process in found if "evolverec_entry" in _words(process) and "lsp" in _words(process)
        ]

    def extension_log(self) -> str:
        logs = sorted((self._home / "data" / "logs").rglob("evolverec.log"))
        return "\n".join(log.read_text(errors="replace") for log in logs)

    def stop(self) -> None:
        """The whole group: extension host, file watcher, language server."""
        process = self._process
        if process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sign)
            except ProcessLookupError:
                break
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                continue
        process.wait()

    def _command(self) -> list[str]:
        data, extensions = str(self._home / "data"), str(self._home / "extensions")
        config = str(self._home / "config.yaml")
        return [*self._program, "--config", config, "--user-data-dir", data, "--extensions-dir", extensions]


def _environment() -> dict[str, str]:
    # An empty address of the gallery: nothing is looked up elsewhere. Nor is an evolverec found beside this Python.
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if folder != own)
    return {
        **os.environ,
        "PATH": path,
        "EXTENSIONS_GALLERY": json.dumps({"serviceUrl": ""}),
        "SHELL": "/bin/sh",
    }


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
