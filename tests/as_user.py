"""Runs a command as an ordinary user, where this is root: `python tests/as_user.py COMMAND...`.

The folders that the command needs (this repo, the interpreter's) may lie below one that only root may enter. In a mount
namespace of its own such a folder is covered by an empty one that everybody may enter, and what is needed is shown in it.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

USER = 65534  # "nobody", which owns nothing
ROOT = Path(__file__).resolve().parents[1]


def problem() -> str:
    """Why a command cannot be run as somebody else here; "" where it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root can become an ordinary user"
    missing = [name for name in ("unshare", "setpriv", "mount") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} of util-linux cannot be found"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return f"no mount namespace: {tried.stderr.strip()}" if tried.returncode else ""


def needed() -> list[Path]:
    """What the tests read: this checkout, the interpreter and its packages."""
    found = {ROOT, *(Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve())}
    found |= {Path(entry).resolve() for entry in sys.path if Path(entry).is_dir()}
    return sorted(path for path in found if not any(path.is_relative_to(o) for o in found - {path}))


def closed_folder(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that others may not enter."""
    return next(
        (folder for folder in [*reversed(path.parents), path] if not folder.stat().st_mode & 0o001), None
    )


def opening(paths: Sequence[Path], held: Path) -> list[str]:
    """Shell commands that show `paths` to everybody, in a mount namespace of their own. held: an empty folder."""
    closed = {
        folder: [p for p in paths if closed_folder(p) == folder]
        for path in paths
        if (folder := closed_folder(path))
    }
    lines = []
    for number, (folder, inside) in enumerate(closed.items()):
        kept = held / str(number)
        lines += [f"mkdir {quoted(kept)}", f"mount --rbind {quoted(folder)} {quoted(kept)}"]
        lines += [f"mount -t tmpfs -o mode=755 none {quoted(folder)}"]
        for path in inside:
            lines += [
                f"mkdir -p {quoted(path)}",
                f"mount --rbind {quoted(kept / path.relative_to(folder))} {quoted(path)}",
            ]
        lines += [f"umount -l {quoted(kept)}"]
    return lines


def quoted(path: Path) -> str:
    return shlex.quote(str(path))


def as_user(command: Sequence[str], home: Path) -> list[str]:
    """The command line that runs `command` as an ordinary user whose home folder is `home`."""
    held = home / "held"
    held.mkdir()
    for folder in (home, held):
        os.chown(folder, USER, USER)
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all"]
    environment = [
        "env",
        f"HOME={home}",
        f"TMPDIR={home}",
        f"HYPOTHESIS_STORAGE_DIRECTORY={home}/hypothesis",  # the checkout is not the user's to write
        "PYTHONDONTWRITEBYTECODE=1",
    ]
    script = "\n".join(
        ["set -e", *opening(needed(), held), "exec " + shlex.join([*become, *environment, *command])]
    )
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]


def main() -> int:
    why = problem()
    if why:
        print(f"not run as an ordinary user: {why}", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory(prefix="ordinary-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        return subprocess.run(as_user(sys.argv[1:], Path(home)), check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
