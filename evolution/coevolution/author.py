"""The probe author that is an LLM. One exchange is one attempt; the next prompt says why the last attempt was
rejected.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from pydantic import BaseModel, Field

from diagnosis.catalogue import CATALOGUE
from diagnosis.coevolution.asking import Ask
from diagnosis.coevolution.complaints import Complaint, expectation_of, foreign_faults
from diagnosis.coevolution.rejection import Rejection
from diagnosis.coevolution.source import MAX_CHARACTERS
from diagnosis.coevolution.spec import ABSENT_WHEN, ProbeSpec
from diagnosis.coevolution.subjects import TITLES
from diagnosis.coevolution.view import DESCRIBED
from diagnosis.findings import FoundBy
from evolution.base.plain_text import first_lines
from evolution.literature.passage import Passage

PROMPT = "probe"
DIFF_CHARS = 4_000
PASSAGES, PASSAGE_CHARS = 3, 400
# What the first word of a complaint's code means.
KINDS = {
    "overused": "the pages go by this signal more than the user does, and other reasons of the user are crowded out",
    "missed": "the user chooses by this signal, and the pages leave it out or give it too little weight",
    "track": "nobody complains yet; users want this signal watched, or the version's code has come to read it (the message says which)",
}
_BUILT_IN = [code for code, kind in CATALOGUE.items() if kind.found_by is FoundBy.PROBE]


@dataclass(frozen=True, kw_only=True)
class Author:
    """An LLM that writes probes.

    model: its name.
    retrieve: (queries, codes of complaints, limit) -> passages of literature, best first.
    """

    ask: Ask
    model: str
    retrieve: Callable[[Sequence[str], Sequence[str], int], Sequence[Passage]]

    def passages(self, complaint: Complaint) -> list[Passage]:
        """What the literature says of a complaint, and of measuring it."""
        query = f"measure {complaint.signal} of a list of recommendations for a user"
        return list(self.retrieve([query], [complaint.code], PASSAGES))


@dataclass(frozen=True, kw_only=True)
class Version:
    """The version that users complain of.

    diff: to the user's own version, "" if it is that one.
    tracked: what users want watched of the complaint's signal.
    passages: of literature on the complaint.
    """

    diff: str = ""
    tracked: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()


# The reply to PROMPT. It has no docstring: the schema that the model is sent would hold one as its description.
class WrittenProbe(BaseModel):
    reasoning: str = Field(
        description="Two to four sentences: what in a user's page shows the complaint, why the number moves with it "
        "and not with something else, and, after a rejection, what you change."
    )
    name: str = Field(description="Two to five words in kebab-case that say what is measured.")
    definition: str = Field(description="One sentence for a reader: how the number is computed for a user.")
    unit: str = Field(
        description="The unit of the number, one to four words, for example: share of the page."
    )
    higher_is_better: bool = Field(
        description="true if a larger number means that the user has less reason to complain."
    )
    source: str = Field(
        description="The whole Python source: imports of numpy and math, and def measure(view) that returns one "
        "number per user as a numpy array of shape (S,)."
    )


def write_probe(
    ask: Ask,
    complaint: Complaint,
    *,
    author: str,
    quotes: Sequence[str],
    version: Version,
    known: Sequence[ProbeSpec],
    missing: frozenset[str],
    rejected: Sequence[tuple[ProbeSpec, Rejection]],
    time_s: float,
    memory_mb: int,
) -> ProbeSpec:
    """Let the LLM write one probe. Raises what `ask` raises.

    quotes: what users say. version: of the program that they say it of.
    known: evolved probes that exist already.
    missing: attributes of the view that this trial has no data for.
    rejected: earlier attempts, oldest first.
    time_s, memory_mb: the budget of one call of the probe.
    """
    values = prompt_values(
        complaint,
        quotes=quotes,
        version=version,
        known=known,
        missing=missing,
        rejected=rejected,
        time_s=time_s,
        memory_mb=memory_mb,
    )
    return _spec(ask(PROMPT, values, WrittenProbe), complaint, author)


def prompt_values(
    complaint: Complaint,
    *,
    quotes: Sequence[str],
    version: Version,
    known: Sequence[ProbeSpec],
    missing: frozenset[str],
    rejected: Sequence[tuple[ProbeSpec, Rejection]],
    time_s: float,
    memory_mb: int,
) -> Mapping[str, Any]:
    """The values of the prompt. Raises ValueError if no models with this fault are known, so that no probe could be
    verified.
    """
    expectation = expectation_of(complaint)
    if expectation is None:
        raise ValueError(f"no model is known to be bad in the way of {complaint.code}")
    return {
        "complaint": {
            "code": complaint.code,
            "signal": complaint.signal,
            "message": _fenced(complaint.message),
        },
        "kind": KINDS[complaint.code.partition("-")[0]],
        "tracked": [_fenced(" ".join(sentence.split())) for sentence in version.tracked],
        "passages": [
            {"title": _one_line(p.title), "year": p.year, "text": _one_line(p.text)[:PASSAGE_CHARS]}
            for p in version.passages
        ],
        "diff": _fenced(indent(first_lines(version.diff, DIFF_CHARS), "    ")),
        "quotes": [_fenced(" ".join(quote.split())) for quote in quotes],
        "view": [{"name": name, "words": words} for name, words in DESCRIBED.items()],
        "absent": [{"name": name, "why": ABSENT_WHEN[name]} for name in sorted(missing)],
        "worse": [TITLES[name] for name in expectation.worse],
        "better": TITLES[expectation.better],
        "untrained": expectation.untrained,
        "foreign": [TITLES[name] for name in foreign_faults(complaint.signal)],
        "existing": [
            *({"code": code, "definition": CATALOGUE[code].definition} for code in _BUILT_IN),
            *({"code": probe.code, "definition": _fenced(probe.definition)} for probe in known),
        ],
        "rejected": [
            {
                "source": _fenced(probe.source),
                "reason": str(why.reason),
                "sentence": _fenced(why.sentence),
            }
            for probe, why in rejected
        ],
        "time_s": f"{time_s:g}",
        "memory_mb": memory_mb,
        "characters": MAX_CHARACTERS,
    }


def _spec(written: WrittenProbe, complaint: Complaint, author: str) -> ProbeSpec:
    return ProbeSpec(
        name=f"{complaint.code}-{kebab(written.name)}",
        complaint=complaint.code,
        signal=complaint.signal,
        definition=" ".join(written.definition.split())[:300],
        unit=" ".join(written.unit.split())[:40],
        higher_is_better=written.higher_is_better,
        author=author,
        source=unfenced(written.source),
    )


def _fenced(text: str) -> str:
    """Foreign text that cannot end the fence around it."""
    return text.replace("</data", "</ data")


def _one_line(text: str) -> str:
    return _fenced(" ".join(text.split()))


def kebab(name: str) -> str:
    """A name that can be a code and a file name: at most 48 characters of a-z, 0-9 and -."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48].strip("-") or "unnamed"


def unfenced(source: str) -> str:
    """The source without the Markdown fence that models put around code."""
    match = re.search(r"```(?:python|py)?\s*\n(.*?)```", source, re.DOTALL)
    return (match.group(1) if match else source).strip() + "\n"
