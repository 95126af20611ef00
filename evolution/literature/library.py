"""The built-in library: techniques found by words (BM25) or by the codes of findings and critiques. Needs no network."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property

from diagnosis.catalogue import CATALOGUE
from evolution.literature.passage import Passage
from evolution.literature.settings import LIBRARY
from evolution.literature.technique import Technique, read_shelves
from simulator.messages import MESSAGES


class Library:
    """The same question has the same answer, always: ties go by the technique's id."""

    kind = LIBRARY

    def __init__(self, techniques: Sequence[Technique], recipes: Mapping[str, str] | None = None) -> None:
        """recipes: id of a technique -> code of the recipe that carries it out without a language model."""
        self.techniques = tuple(techniques)
        self.recipes = dict(recipes or {})

    def technique(self, wanted: str) -> Technique | None:
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
        """Techniques that answer any of the codes of findings and critiques, best first: those for which the codes
        stand early in what they answer, and those that answer several."""
        found = [(self._fit(technique, codes), technique) for technique in self.techniques]
        ranked = sorted(found, key=lambda pair: (-pair[0], pair[1].id))
        return [technique for fit, technique in ranked if fit > 0]

    def search(self, query: str, limit: int) -> list[Passage]:
        return [self.passage(technique, score) for technique, score in self.find(query, limit)]

    def passage(self, technique: Technique, score: float) -> Passage:
        """What the library says, as a source says it. Ours, so nothing of it is cut or cleaned."""
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
    def _index(self):  # bm25s.BM25, whose import is not for those who only look up codes
        import logging

        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)
        index = bm25s.BM25()
        index.index([words_of(_everything(technique)) for technique in self.techniques], show_progress=False)
        return index


@cache
def builtin_library() -> Library:
    from evolution.recipes.catalogue import RECIPES  # not for those who only read passages on record

    return Library(read_shelves(), {name: recipe.code for recipe in RECIPES for name in recipe.techniques})


def known_codes() -> frozenset[str]:
    """Of findings, contract checks and critiques, praise included."""
    return frozenset(CATALOGUE) | frozenset(MESSAGES)


def meaning(code: str) -> str:
    """A code in words; "" for one that is not ours."""
    kind = CATALOGUE.get(code)
    return f"{kind.title}. {kind.why}" if kind else MESSAGES.get(code, "")


def _everything(technique: Technique) -> str:
    """What is searched. The name counts twice: who names a technique wants that one."""
    failures = " ".join(f"{code} {meaning(code)}" for code in technique.answers)
    said = (technique.name, technique.name, technique.title, technique.mechanism, technique.hurts, failures)
    return " ".join(said)


@cache
def _stopwords() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN

    return frozenset(STOPWORDS_EN)


def content_words(text: str) -> list[str]:
    """In lower case, without stop words."""
    return [word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _stopwords()]


def words_of(text: str) -> list[str]:
    """Content words, cut to their stems as far as the common endings go."""
    return [_stem(word) for word in content_words(text)]


def _stem(word: str) -> str:
    """Plural, -ing, -ed, -ly, -al, -ity and -ation fall; "popularity" and "popular" meet, "loss" stays."""
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
