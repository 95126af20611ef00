"""The built-in library: techniques found by words (BM25), or by the codes of findings and critiques; no network."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property

from diagnosis.catalogue import CATALOGUE
from evolution.literature.passage import Passage
from evolution.literature.settings import LIBRARY
from evolution.literature.technique import Technique, read_shelves
from simulator.messages import MESSAGES


class Library:
    """A searchable set of techniques. One query always has the same answer, because ties are ordered by the
    technique's id.
    """

    kind = LIBRARY

    def __init__(self, techniques: Sequence[Technique], recipes: Mapping[str, str] | None = None) -> None:
        """recipes: id of a technique -> code of the recipe that carries it out without a language model."""
        self.techniques = tuple(techniques)
        self.recipes = dict(recipes or {})

    def technique(self, wanted: str) -> Technique | None:
        """The technique with this id, or None."""
        return next((technique for technique in self.techniques if technique.id == wanted), None)

    def find(self, query: str, limit: int) -> list[tuple[Technique, float]]:
        """(technique, BM25 score), best first; techniques that share no word with the query are left out."""
        words = words_of(query)
        if not words:
            return []
        scores = self._index.get_scores(words)
        order = sorted(range(len(self.techniques)), key=lambda i: (-scores[i], self.techniques[i].id))
        return [(self.techniques[i], float(scores[i])) for i in order[:limit] if scores[i] > 0]

    def for_codes(self, codes: Sequence[str]) -> list[Technique]:
        """Techniques that answer any of the codes of findings and critiques, best first.

        A technique ranks higher if the codes come early among those that it answers, and if it answers several.
        """
        found = [(self._fit(technique, codes), technique) for technique in self.techniques]
        ranked = sorted(found, key=lambda pair: (-pair[0], pair[1].id))
        return [technique for fit, technique in ranked if fit > 0]

    def search(self, query: str, limit: int) -> list[Passage]:
        """The passages on techniques that share words with the query, best first, at most `limit`."""
        return [self.passage(technique, score) for technique, score in self.find(query, limit)]

    def passage(self, technique: Technique, score: float) -> Passage:
        """A technique as a passage. The text is our own, so it is neither cut nor cleaned."""
        recipe = f"\nRecipe: {self.recipes[technique.id]}" if technique.id in self.recipes else ""
        return Passage(
            source=LIBRARY,
            title=technique.title,
            year=technique.year,
            identifier=technique.identifier,
            url=technique.url,
            text=f"{technique.name}. {technique.mechanism}\nWhen it hurts: {technique.hurts}\n"
            f"Answers: {', '.join(technique.answers)}{recipe}\nSketch:\n{technique.sketch}",
            score=score,
        )

    @staticmethod
    def _fit(technique: Technique, codes: Sequence[str]) -> float:
        answers = technique.answers
        return sum(1 / (2 + answers.index(code)) for code in dict.fromkeys(codes) if code in answers)

    @cached_property
    def _index(self):  # bm25s.BM25, imported here because looking up codes does not need it
        import logging

        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)
        index = bm25s.BM25()
        index.index([words_of(_everything(technique)) for technique in self.techniques], show_progress=False)
        return index


@cache
def builtin_library() -> Library:
    """The library that ships with evolverec, read once."""
    from evolution.recipes.catalogue import RECIPES  # a replay reads recorded passages without it

    return Library(read_shelves(), {name: recipe.code for recipe in RECIPES for name in recipe.techniques})


def known_codes() -> frozenset[str]:
    """The codes of findings, contract checks and critiques, praise included."""
    return frozenset(CATALOGUE) | frozenset(MESSAGES)


def meaning(code: str) -> str:
    """A code in words; "" for an unknown one."""
    kind = CATALOGUE.get(code)
    return f"{kind.title}. {kind.why}" if kind else MESSAGES.get(code, "")


def _everything(technique: Technique) -> str:
    """The searched text of a technique. Its name counts twice, because a query that names a technique wants that one."""
    failures = " ".join(f"{code} {meaning(code)}" for code in technique.answers)
    said = (technique.name, technique.name, technique.title, technique.mechanism, technique.hurts, failures)
    return " ".join(said)


@cache
def _stopwords() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN

    return frozenset(STOPWORDS_EN)


def content_words(text: str) -> list[str]:
    """The words of a text in lower case, without stop words."""
    return [word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _stopwords()]


def words_of(text: str) -> list[str]:
    """The content words of a text, cut to their stems as far as the common endings go."""
    return [_stem(word) for word in content_words(text)]


def _stem(word: str) -> str:
    """The word without a plural, -ing, -ed, -ly, -al, -ity or -ation, so that "popularity" and "popular" match; "loss"
    stays.
    """
    if len(word) <= 4 or word.endswith("ss"):
        return word
    for ending, least in (
        ("ization", 4),
        ("ations", 4),
        ("ation", 4),
        ("ities", 4),
        ("ity", 4),
        ("ings", 4),
        ("ing", 4),
        ("ies", 3),
        ("ied", 3),
        ("ed", 4),
        ("es", 4),
        ("ly", 4),
        ("al", 4),
        ("s", 3),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: -len(ending)]
    return word
