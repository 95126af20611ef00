"""`evolverec explain CODE`: all that is known of one kind of finding, in general and in a repo."""

from pathlib import Path
from typing import Any

from diagnosis.catalogue import CATALOGUE
from evolution.base.errors import UsageError
from evolution.repo.user_probes import read_user_probes
from evolution.store.store import Store
from seeds.amounts import figure
from server.cli.output import say
from server.shown.explaining import explanation, opinion_words
from server.shown.helping import recipes_for
from server.shown.knowledge import read_knowledge
from server.shown.plot import sparkline
from server.shown.stored_files import StoredFiles
from server.shown.wording import with_interval


def explain_document(repo: Path | None, code: str) -> dict[str, Any]:
    """The document. repo: None outside of a repo, where only the general part is known. Raises UsageError for a code that
    neither evolverec nor a finding of this repo has.
    """
    history = ()
    if repo is not None and (store := Store.open_existing(repo)) is not None:
        with store:
            history = read_knowledge(repo, store, StoredFiles(repo)).history
    told = {f.code: f.kind for _, feedback in reversed(history) for f in feedback.all_findings()}
    written = {probe.code: probe.kind for probe in read_user_probes(repo)} if repo is not None else {}
    kind = CATALOGUE.get(code) or written.get(code) or told.get(code)
    if kind is None:
        raise UsageError(f"{code!r} is no code of a finding; expected one of {', '.join(sorted(CATALOGUE))}")
    return explanation(kind, history, recipes_for(kind))


def show_explanation(document: dict[str, Any]) -> None:
    """Print the document for people."""
    say(f"{document['title']}  [{document['code']}]")
    say(f"  {document['why']}")
    say(f"  This is {document['nature_words']}; it is {document['found_by']}.")
    if document["definition"]:
        say(f"  Definition: {document['definition']}")
    if document["unit"]:
        say(f"  Unit: {document['unit']}; held against: {document['reference'] or 'nothing'}")
    say(f"  Shown: {document['where']}")
    if document["explains"]:
        say(f"  Explains: {', '.join(document['explains'])}")
    for found in document["here"]:
        say(f"\n  Here: {found['message']}")
        say(f"    at {', '.join(found['places'])}" + (f". {found['blame']}" if found["blame"] else ""))
    _show_history(document["history"])
    for words in opinion_words(document["asked"]) if document.get("asked") else ():
        say(f"\n  {words}")
    if document["recipes"] or document["techniques"]:
        say("\n  What usually helps:")
    for code, title in document["recipes"].items():
        say(f"    {title}  [recipe {code}: evolverec propose tries it]")
    for technique in document["techniques"]:
        say(f"    {technique['name']}: {technique['title']}, {technique['url']}")
    for source in document["sources"]:
        say(f"  Source: {source}")


def _show_history(history: list[dict[str, Any]]) -> None:
    for found in history[-1:]:
        told = with_interval(found["value"], found["low"], found["high"], found["unit"])
        against = (
            f"; {found['reference_name']} {figure(found['reference'], found['unit'])}"
            if found["reference"] is not None
            else ""
        )
        say(f"\n  Measured last: {told}{against}")
    if line := sparkline([found["value"] for found in history]):
        values = " → ".join(figure(found["value"], found["unit"]) for found in history)
        say(f"  Over {len(history)} trials: {line}  {values}")
