"""The retriever asks every source and merges the answers. A source that fails becomes a note, not an error."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolution.literature.library import Library, builtin_library
from evolution.literature.passage import Passage, same_paper
from evolution.literature.settings import LIBRARY
from evolution.literature.source import LiteratureSource, SourceFailed

SMOOTHING = 10  # the constant of reciprocal rank fusion; small, because answers are short


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """The merged answer.

    passages: best first, each paper once.
    notes: sources that failed, in sentences for the user.
    """

    passages: tuple[Passage, ...]
    notes: tuple[str, ...] = ()


class Retriever:
    """Asks several sources.

    library: is searched by code if it is among the sources.
    """

    def __init__(self, sources: Sequence[LiteratureSource], library: Library | None = None) -> None:
        self._sources = tuple(sources)
        self._library = library or builtin_library()

    def retrieve(self, queries: Sequence[str], codes: Sequence[str], limit: int) -> Retrieved:
        """Passages for the queries, and techniques for the codes of findings and critiques, at most `limit`.

        Each source is asked one query at a time; one that fails is not asked the further queries.
        """
        answers: list[list[Passage]] = []
        notes: list[str] = []
        if any(source.kind == LIBRARY for source in self._sources):
            answers.append(
                [
                    self._library.passage(technique, 1.0)
                    for technique in self._library.for_codes(codes)[:limit]
                ]
            )
        for source in self._sources:
            try:
                for query in dict.fromkeys(queries):
                    answers.append(source.search(query, limit))
            except SourceFailed as failure:
                notes.append(f"{source.kind}: {failure}")
        return Retrieved(passages=tuple(merge(answers)[:limit]), notes=tuple(notes))


def merge(answers: Sequence[Sequence[Passage]]) -> list[Passage]:
    """One list of several answers, by reciprocal rank fusion (Cormack et al. 2009).

    A paper's score is the sum of 1 / (SMOOTHING + place) over the answers that hold it. Of several passages on one
    paper the library's is kept, which says most, else the first one that has text.
    """
    scores: dict[str, float] = {}
    kept: dict[str, Passage] = {}
    keys: dict[str, str] = {}  # identifier -> key, so that two titles with one arXiv id are one paper
    for answer in answers:
        for place, found in enumerate(answer):
            key = same_paper(found)
            if found.identifier:
                key = keys.setdefault(found.identifier, key)
            scores[key] = scores.get(key, 0.0) + 1 / (SMOOTHING + place)
            kept[key] = _better(kept[key], found) if key in kept else found
    merged = [replace(found, score=scores[key]) for key, found in kept.items()]
    return sorted(merged, key=lambda found: (-found.score, found.title))


def _better(known: Passage, other: Passage) -> Passage:
    if LIBRARY in (known.source, other.source):
        return known if known.source == LIBRARY else other
    return known if known.text or not other.text else other
