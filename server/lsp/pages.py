"""Pages that explain the codes of diagnostics; the link of a diagnostic opens one.

For clients that show documents of the server, the link is `evolverec-docs:/CODE.md?ROOT`; for others, the page is
written as a file to the user's cache folder.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from diagnosis.findings import Finding, FindingKind, FoundBy
from diagnosis.rules.check import RULES
from diagnosis.user_probes.probe import PREFIX
from evolution.base.errors import UsageError
from evolution.base.places import pages_folder
from evolution.domain.feedback import Feedback
from evolution.domain.job import JobKind, JobState
from evolution.domain.trial import Trial
from server.lsp.config_schema import schema
from server.lsp.handshake import DOCS_SCHEME
from server.lsp.repo import Repo
from server.shown.compared import compared_text
from server.shown.explaining import explanation, opinion_words
from server.shown.markdown import escaped
from server.shown.plot import small_svg
from server.shown.wording import measured, with_interval

if TYPE_CHECKING:
    from server.lsp.session import Session

History = Sequence[tuple[Trial, Feedback]]
CONFIG = "config"
STATISTICAL = "statistical"  # the users whose lists stand side by side
TRIALS = "trials/"  # before the names of two trials, in the address of their page
BUILT_IN = (FoundBy.PROBE, FoundBy.RULE, FoundBy.CONTRACT)
FADES = (
    "The finding is shown on the lines that cause it. It fades when these lines change, because it was measured on the "
    "earlier version: measure again with `Train` and `Diagnose`, or hide it with `Dismiss`."
)


def page(
    kind: FindingKind, here: Finding | None = None, history: History = (), opinion: Sequence[str] = ()
) -> str:
    """The page of one kind of finding, as Markdown.

    here: a finding of this kind, whose figures are added to the page. history: the user's trials, newest first.
    opinion: paragraphs of what an LLM said of it.
    """
    known = explanation(kind, history)
    parts = [f"# {kind.title}", f"`{kind.code}`, {known['nature_words']}; {known['found_by']}.", kind.why]
    if kind.definition:
        parts.append(f"**How it is measured.** {kind.definition}")
    if kind.unit:
        parts.append(f"**Unit.** {kind.unit}. **Held against.** {kind.reference or 'nothing'}.")
    if kind.found_by in BUILT_IN:
        parts.append(f"**Where it is shown.** {known['where']}")
    if kind.explains:
        parts.append(f"**What it explains.** {', '.join(f'`{code}`' for code in kind.explains)}")
    if here and here.measurement:
        message = here.message.rstrip(". \n")
        parts.append(f"**Here.** {message}. **Measured.** {measured(here.measurement)}.")
    if here and here.self_reported:
        parts.append(
            "Self-reported: measured beside the model's own code, so it informs but verifies nothing."
        )
    parts += [*opinion, *_over_trials(known["history"]), *_what_helps(known)]
    return "\n\n".join([*parts, FADES]) + "\n"


def _over_trials(history: Sequence[Mapping[str, Any]]) -> list[str]:
    values = [found["value"] for found in history]
    if len(values) < 2:
        return []
    figures = " → ".join(with_interval(found["value"], found["low"], found["high"], "") for found in history)
    return [
        f"**Over {len(values)} trials.** {figures}",
        small_svg(values, f"{len(values)} values, the oldest first"),
    ]


def _what_helps(known: Mapping[str, Any]) -> list[str]:
    helps = [
        f"- {one['name']}: [{one['title']}]({one['url']}). {one['hurts']}" for one in known["techniques"]
    ]
    sources = [f"- {source}" for source in known["sources"]]
    return [
        "\n".join([f"**{title}**", "", *lines])
        for title, lines in (("What usually helps", helps), ("Sources", sources))
        if lines
    ]


def _config_page() -> str:
    parts = [
        "# evolverec.toml",
        "The configuration of a repo. A wrong key is reported as an error on its line.",
    ]
    for section, keys in schema().items():
        rows = [
            f"| `{key.name}` | {key.type} | {_default(key.default)} | {key.description} |"
            for key in keys.values()
        ]
        parts += [
            f"## {section}",
            "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


def _default(text: str) -> str:
    return f"`{text}`" if text else "required"


class Pages:
    """The links to pages in one session. Where pages are files, each is written once, before the first link to it."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._files: dict[tuple[str, Path], str] = {}

    def address(self, code: str, root: Path) -> str | None:
        """The URI of a code's page; None if the client shows no such links, or if the page could not be written."""
        client = self._session.client
        if not client.code_descriptions:
            return None
        if client.content_documents:
            return docs_address(code, root)
        return self._files.get((code, root))

    async def prepare(self, root: Path, findings: Iterable[Finding]) -> None:
        """Make `address` able to link the codes of these findings, by writing their pages if pages are files."""
        await self._write({finding.code: finding for finding in findings}, root)

    async def prepare_config(self, root: Path) -> None:
        """Make `address` able to link the page about evolverec.toml."""
        await self._write({CONFIG: None}, root)

    async def _write(self, wanted: Mapping[str, Finding | None], root: Path) -> None:
        client = self._session.client
        if not client.code_descriptions or client.content_documents:
            return
        missing = {code: found for code, found in wanted.items() if (code, root) not in self._files}
        if missing:
            self._files |= await self._session.background.browse(_write, root, missing)


def compared_address(one: str, other: str, root: Path) -> str:
    """The URI of the page that has two trials side by side. It ends in what an editor calls its tab."""
    return docs_address(f"{TRIALS}{one}..{other}/Compared trials", root)


def _compared(repo: Repo, named: str) -> str:
    """The page of two trials, the earlier one first. Runs on the store thread. Raises UsageError: one is not stored."""
    store, names = repo.existing_store(), named.split("..")
    found = [trial for name in names if store and (trial := store.trial(name)) is not None]
    if store is None or len(found) != 2:
        raise UsageError(f"no two trials {named[:100]!r}; the Runs view and `evolverec runs` list them")
    one, other = sorted(found, key=lambda trial: trial.ended_at)
    feedback = {trial.id: said for trial in found if (said := store.feedback(trial.id)) is not None}
    lists = {trial.id: store.personas(trial.id, STATISTICAL) for trial in found}
    return compared_text(one, other, feedback, time.time(), lists)


def docs_address(code: str, root: Path) -> str:
    """The URI of a code's page as a document of the server."""
    return f"{DOCS_SCHEME}:/{quote(code)}.md?{quote(str(root))}"


def _write(root: Path, wanted: Mapping[str, Finding | None]) -> dict[tuple[str, Path], str]:
    """(code, root) -> URI of its page. Codes that only this repo has get a folder of their own, named by a hash."""
    written: dict[tuple[str, Path], str] = {}
    for code, found in wanted.items():
        own = hashlib.sha256(str(root).encode()).hexdigest()[:12] if found and _is_own(found) else ""
        text = page(found.kind, found if own else None) if found else _config_page()
        path = pages_folder() / own / f"{code}.md"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:  # the cache folder cannot be written, so the diagnostic gets no link
            continue
        written[code, root] = path.as_uri()
    return written


def _is_own(found: Finding) -> bool:
    """Whether the code has its meaning in this repo only, like that of a written or evolved probe, a critique or a failure."""
    return bool(found.probe) or found.code.startswith(PREFIX) or found.kind.found_by not in BUILT_IN


async def content(session: "Session", uri: str) -> str:
    """The text of an `evolverec-docs:` document. Raises UsageError if its address names no repo."""
    address = urlsplit(uri)
    code = unquote(address.path).lstrip("/").removesuffix(".md")
    repo = await session.named_repo(unquote(address.query))
    if code.startswith(TRIALS):
        return await session.background.store(_compared, repo, code.removeprefix(TRIALS).partition("/")[0])
    said = await session.background.store(_newest_answer, repo, code)
    return await session.background.browse(_page_of, repo, code, said)


def _newest_answer(repo: Repo, code: str) -> Mapping[str, Any] | None:
    """What an LLM last said of this kind of finding. Runs on the store thread."""
    store = repo.existing_store()
    if store is None:
        return None
    asked = (
        job for job in store.jobs_in_brief() if job.kind is JobKind.EXPLAIN and job.state is JobState.DONE
    )
    newest = next((job for job in asked if job.params.get("code") == code), None)
    record = store.job(newest.id) if newest else None
    return record.result if record else None


def _page_of(repo: Repo, code: str, said: Mapping[str, Any] | None) -> str:
    if code == CONFIG:
        return _config_page()
    here = next((note.finding for note in repo.knowledge.notes if note.code == code), None)
    kind = (
        here.kind
        if here
        else next((kind for rule in RULES for kind in rule.kinds if kind.code == code), None)
    )
    if kind is None:
        return f"Nothing is known of {code}.\n"
    return page(kind, here, repo.knowledge.history, _opinion(repo, said) if said else ())


def _opinion(repo: Repo, said: Mapping[str, Any]) -> list[str]:
    trial = repo.knowledge.trial
    older = trial is None or said["program"] != trial.key.program
    return [*map(escaped, opinion_words(said)), *(["That was said of an earlier version."] if older else [])]
