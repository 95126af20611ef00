"""The commands for a team: `accept` a known finding for everybody, and `pull-request`, a patch as the text of one."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli import output
from server.cli.options import Json, Repo
from server.cli.running import repo_at


def accept(
    repo: Repo,
    code: Annotated[str, typer.Argument(help="The code of the finding.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why it is accepted, for the next reader.")],
    path: Annotated[
        str, typer.Option("--path", help="Only where it stands in this file, relative to the repo.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Accept a known finding in evolverec.baseline.toml: editors, `diagnose` and CI count it no more."""
    from evolution.base.places import BASELINE_NAME
    from evolution.repo.baseline import Accepted, accept
    from server.shown.accepting import check_code

    root = repo_at(repo)
    check_code(code, _known_codes(root))
    is_new = accept(root, Accepted(code=code, reason=reason, path=path))
    document = {"file": BASELINE_NAME, "code": code, "path": path or None, "reason": reason, "added": is_new}
    said = f"{code} is accepted in {BASELINE_NAME}" if is_new else f"{code} was accepted there already"
    output.deliver(document, as_json=as_json, show=lambda _: output.say(said))


def _known_codes(repo: Path) -> set[str]:
    """The codes of our checks, of the repo's own probes, of what users can say, and of all that was found here."""
    from diagnosis.catalogue import CATALOGUE
    from evolution.repo.user_probes import read_user_probes
    from evolution.store.store import Store
    from server.shown.accepting import codes_found
    from simulator.messages import MESSAGES

    known = {*CATALOGUE, *MESSAGES, *(probe.code for probe in read_user_probes(repo))}
    store = Store.open_existing(repo)
    if store is None:
        return known
    with store:
        told = (store.feedback(trial.id) for trial in store.trials())
        return known | codes_found(one for one in told if one is not None)


def pull_request(
    repo: Repo,
    proposal: Annotated[str, typer.Argument(help="The proposal's id, or its unique beginning.")],
    as_json: Json = False,
) -> None:
    """Print a proposal as the text of a pull request, in Markdown: the first line is its title."""
    document = pull_request_document(repo_at(repo), proposal)
    output.deliver(document, as_json=as_json, show=lambda told: output.say(told["text"], end=""))


def pull_request_document(repo: Path, wanted: str) -> dict[str, Any]:
    """Raises UsageError, which lists the known ids."""
    from evolution.store.store import Store
    from server.cli.patches import find_proposal
    from server.shown.pull_request import codes_in, pull_request_text

    found = find_proposal(repo, wanted)
    with Store.open(repo) as store:
        trials = store.trials(found.parent)
        codes = codes_in(one for trial in trials if (one := store.feedback(trial.id)) is not None)
    return {"proposal": found.id, "text": pull_request_text(found, codes)}


COMMANDS = (accept, pull_request)
