"""`evolverec demo`: the main workflow on the built-in shop, step by step as an editor would show it."""

import sys
import time
from pathlib import Path
from typing import Any

from rich.rule import Rule

from evolution.base.amounts import number
from evolution.base.given_paths import real_path
from evolution.domain.request import (
    DiagnoseRequest,
    ProposeRequest,
    Request,
    SimulateRequest,
    TestRequest,
    TrainRequest,
)
from evolution.jobs import control
from seeds.new import all_seeds
from server.cli import render
from server.cli.demo_folder import make_folder, note_files, note_job
from server.cli.following import result_of
from server.cli.output import say
from server.cli.patches import apply_proposal
from server.cli.show_diagnosis import show_diagnosis
from server.cli.told import told_to_stop
from server.shown.knowledge import read_entry

SHOWN = ("NDCG@10", "HR@10")


def run_demo(folder: Path, *, seed: str, data: str, python: str, no_sandbox: bool) -> dict[str, Any]:
    """Make a repo, train, diagnose, ask users, propose, apply the best patch, and
    measure both versions on the test events.

    Raises UsageError if `folder` holds anything that no earlier demo made, or if there is no such seed.
    """
    started = time.monotonic()
    repo = real_path(folder)
    terms: dict[str, Any] = {"python": python, "no_sandbox": no_sandbox}
    make_folder(repo, seed, data)
    title = next(known.title for known in all_seeds() if known.name == seed)
    _step(f"1. A recommender repo: {folder}, {title} as published, on {data} (the built-in shop)")
    before = _run(repo, TrainRequest(**terms))
    _step("2. Trained and measured; the code never saw a validation or test event")
    render.show_train(before)
    _step("3. Why it fails, on the lines that cause it (`evolverec diagnose`)")
    show_diagnosis(repo, _run(repo, DiagnoseRequest(**terms)))
    _step("4. What simulated users say of their pages (`evolverec simulate`)")
    render.show_simulation(repo, _run(repo, SimulateRequest(**terms)))
    _step("5. Patches, each trained and measured (`evolverec propose`)")
    proposed = _run(repo, ProposeRequest(**terms))
    render.show_proposals(proposed)
    verified = [p for p in proposed["proposals"] if p["verified"]]
    document: dict[str, Any] = {
        "repo": str(repo),
        "train": before,
        "proposals": proposed["proposals"],
        "test": None,
    }
    if verified:
        document["test"] = _apply_and_test(repo, verified[0], before, terms)
    _step("6. In your editor")
    say(_editor_words(repo))
    document["wall_s"] = round(time.monotonic() - started, 1)
    say(f"\nThe whole demo took {document['wall_s']:.0f} s.")
    return document


def _run(repo: Path, request: Request) -> dict[str, Any]:
    # The repo is the seed that was just written from our own package: running it needs no further consent.
    with told_to_stop() as told:
        job = control.start(repo, request, trusted=True)
        note_job(repo, job.id)
        return result_of(repo, job, quiet=False, told=told)


def _apply_and_test(
    repo: Path, best: dict[str, Any], before: dict[str, Any], terms: dict[str, Any]
) -> dict[str, Any]:
    applied = apply_proposal(repo, best["id"], branch="")
    note_files(repo)
    say(f"\napplied {applied['title']!r} to {', '.join(applied['files'])}")
    _step("The same two versions on the test events, which nothing so far has read (`evolverec test`)")
    reads = {
        "before": _run(repo, TestRequest(trial=before["trial"], **terms)),
        "after": _run(repo, TestRequest(trial=best["trials"][0], **terms)),
    }
    for name in SHOWN:
        old, new = (reads[side]["metrics"][name] for side in ("before", "after"))
        change = (new["value"] - old["value"]) / old["value"] if old["value"] else float("nan")
        say(
            f"{name} on test: {number(old['value'])} [{number(old['low'])}, {number(old['high'])}] -> "
            f"{number(new['value'])} [{number(new['low'])}, {number(new['high'])}] ({100 * change:+.0f} %, the change has no interval here)"
        )
    return reads


def _step(words: str) -> None:
    out = render.console()
    out.print()
    out.print(Rule())
    out.print(words, style="bold", highlight=False)


def _editor_words(repo: Path) -> str:
    clients = Path(__file__).resolve().parents[2] / "editor-client"
    server, file = Path(sys.executable).parent / "evolverec", repo / read_entry(repo).path
    lua = f"lua dofile('{clients / 'neovim' / 'evolverec.lua'}').setup{{ cmd = {{'{server}', 'lsp'}} }}"
    lisp = f'(progn (setq evolverec-command (list "{server}" "lsp")) (evolverec-start))'
    return (
        f'Neovim:   nvim --cmd "{lua}" {file}\n'
        f"Emacs:    emacs {file} -l {clients / 'emacs' / 'evolverec.el'} --eval '{lisp}'\n"
        f"VS Code:  make vsix && code --install-extension {clients / 'vscode' / 'evolverec.vsix'}, then code {repo} and "
        f"set evolverec.path to {server}"
    )
