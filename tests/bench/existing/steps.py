"""One repo through init, check, train, diagnose and propose, as its owner would run them: what each said, and how long it took."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_OURS = ("adapter.py", "evolverec_kit.py", "evolverec.toml")
_EPOCHS = re.compile(r"^max_epochs = \d+", re.MULTILINE)
ROOT = Path(__file__).resolve().parents[3]
FINISHED = Path(__file__).resolve().parent / "finished"


def measure(*, name: str, repo: Path, data: str, epochs: int, trials: int, python: str) -> Row:
    """The row of `repo`, which has nothing of ours yet. It ends with the step that failed, in `failed`.

    Where init left gaps, its adapter is replaced by the one that its owner would have finished, if there is one; `by_hand` counts its
    lines that init had not written.
    """
    before = {path: path.read_bytes() for path in _files(repo)}
    row: Row = {"name": name, "minutes": {}, "findings": [], "patches": [], "failed": "", "metrics": {}}
    with_python = ["--python", python] if python else []
    try:
        drafted = _step(row, repo, "init", "--yes", *(["--data", data] if data else []), trust=False)
        row["adapter_lines"], row["questions"] = drafted["adapter_lines"], drafted["questions"]
        row["missing"] = drafted["missing"]
        row["touched"] = sorted(
            str(path.relative_to(repo)) for path, was in before.items() if _bytes(path) != was
        )
        row["by_hand"] = _finish(name, repo) if drafted["missing"] or not drafted["check"]["ok"] else 0
        row["adapter"] = _text(repo / drafted["adapter"])
        if epochs:
            _limit_epochs(repo, epochs)
        checked = _checked(row, repo, name, with_python)
        row["problems"] = [p for p in checked["problems"] if p["severity"] in ("error", "warning")]
        _train_and_propose(row, repo, trials, with_python)
    except StepFailed as failed:
        row["failed"] = str(failed)
    return row


def measure_seed(*, seed: str, repo: Path, trials: int) -> Row:
    """The row of one of our own seeds on the data that `new` gives it: from there on, as it needs no adapter."""
    row: Row = {
        "name": f"seed {seed}",
        "minutes": {},
        "findings": [],
        "patches": [],
        "failed": "",
        "metrics": {},
    }
    row["adapter_lines"] = row["by_hand"] = row["questions"] = "-"
    try:
        subprocess.run(
            [sys.executable, "-m", "evolverec_entry", "new", seed, str(repo)],
            capture_output=True,
            cwd=repo.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        _step(row, repo, "check")
        _train_and_propose(row, repo, trials, [])
    except StepFailed as failed:
        row["failed"] = str(failed)
    return row


def _train_and_propose(row: Row, repo: Path, trials: int, options: list[str]) -> None:
    trained = _step(row, repo, "train", *options)
    row["epochs"], row["metrics"] = trained["epochs"], trained["metrics"].get("NDCG@10", {})
    found = _step(row, repo, "diagnose", *options)
    row["findings"] = [_finding(repo, finding) for finding in found["findings"]]
    row["checks"] = found["verdict"]["checks"]
    if trials:
        proposed = _step(row, repo, "propose", "--trials", str(trials), *options)
        row["patches"] = [_patch(patch) for patch in proposed["proposals"]]
        row["did_not_fit"] = proposed["did_not_fit"]


def _checked(row: Row, repo: Path, name: str, options: list[str]) -> dict[str, Any]:
    """What check says; a draft that seemed whole and fails is finished by hand as well."""
    try:
        return _step(row, repo, "check", *options)
    except StepFailed as failed:
        if row["by_hand"] or not (FINISHED / f"{name}.py").exists():
            raise
        row["draft_failed"], row["by_hand"] = str(failed), _finish(name, repo)
        row["adapter"] = _text(repo / "adapter.py")
        return _step(row, repo, "check", *options)


def _finish(name: str, repo: Path) -> int:
    """Put what stands in finished/ in the place of init's drafts; the number of lines that are new."""
    new = 0
    for finished, draft in ((f"{name}.py", "adapter.py"), (f"{name}.toml", "evolverec.toml")):
        text = _text(FINISHED / finished)
        if text:
            known = {line.split("#")[0].strip() for line in _text(repo / draft).splitlines()}
            new += sum(line.split("#")[0].strip() not in known for line in text.splitlines() if line.strip())
            (repo / draft).write_text(text, "utf-8")
    return new


class StepFailed(Exception):
    """A command ended otherwise than with a document; holds its words."""


def _step(row: Row, repo: Path, command: str, *options: str, trust: bool = True) -> dict[str, Any]:
    began = time.monotonic()
    consent = ["--trust"] if trust else []
    done = subprocess.run(
        [sys.executable, "-m", "evolverec_entry", command, str(repo), "--json", *consent, *options],
        capture_output=True,
        text=True,
        cwd=repo.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    row["minutes"][command] = round((time.monotonic() - began) / 60, 2)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise StepFailed(f"{command}: {(done.stderr or done.stdout).strip()[-2000:]}") from None
    if done.returncode and command != "init":
        raise StepFailed(f"{command}: {_why(document, done.stderr)}")
    return document


def _why(document: dict[str, Any], stderr: str) -> str:
    wrong = [p for p in document.get("problems", ()) if p["severity"] == "error"]
    said = [f"{p['path']}:{p['line']}: {p['message']}" for p in wrong] or [document.get("message") or ""]
    return " | ".join([*said, stderr.strip()[-1500:]])


def _finding(repo: Path, finding: dict[str, Any]) -> Row:
    """Where it stands, and on whose line: the owner's, or the adapter's, which we drafted."""
    anchors = finding["anchors"]
    place = anchors[0] if anchors else {"path": "", "start_line": 0}
    lines = _text(repo / place["path"]).splitlines() if place["path"] else []
    at = place["start_line"]
    return {
        "code": finding["code"],
        "severity": finding["severity"],
        "nature": finding["nature"],
        "message": finding["message"],
        "path": place["path"],
        "line": at,
        "text": lines[at - 1].strip() if 0 < at <= len(lines) else "",
        "own": bool(place["path"]) and Path(place["path"]).name not in _OURS,
    }


def _patch(patch: dict[str, Any]) -> Row:
    paths = sorted(set(re.findall(r"^\+\+\+ (?:b/)?(\S+)", patch["patch"], re.MULTILINE)))
    return {
        "title": patch["title"],
        "recipe": patch["recipe"],
        "verified": patch["verified"],
        "why_not": patch.get("why_not"),
        "paths": paths,
        "own": bool(paths) and all(Path(path).name not in _OURS for path in paths),
        "diff": patch["patch"],
    }


def _limit_epochs(repo: Path, epochs: int) -> None:
    config = repo / "evolverec.toml"
    text = config.read_text("utf-8")
    limited = f"max_epochs = {epochs}"
    if _EPOCHS.search(text):
        text = _EPOCHS.sub(limited, text)
    else:
        text = (
            text.replace("[training]\n", f"[training]\n{limited}\n")
            if "[training]" in text
            else f"{text}\n[training]\n{limited}\n"
        )
    config.write_text(text, "utf-8")


def _files(repo: Path) -> list[Path]:
    return [path for path in sorted(repo.rglob("*")) if path.is_file()]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""
