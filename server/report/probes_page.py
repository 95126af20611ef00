"""Writes docs/probes.md, the list of everything that is looked for, from the catalogue: `make docs`."""

from collections.abc import Iterator
from pathlib import Path

from diagnosis.catalogue import CATALOGUE
from diagnosis.coevolution.view import DESCRIBED
from diagnosis.findings import FindingKind, FoundBy, Nature
from diagnosis.user_probes.reading import TERMS
from server.shown.explaining import techniques_for, where_words
from server.shown.helping import recipes_for

PAGE = Path(__file__).parents[2] / "docs" / "probes.md"
HEAD = """\
# What is looked for

Written by `make docs` from the kinds of findings in the code; do not edit. `evolverec explain CODE` says the same of one
kind, with what it is and was in a repo.

A *cause* is something that is not as it must be, on the lines that it is shown on. A *symptom* is an outcome: it stands on
the entry, or on the lines of what was seen to bring it about. *Advice* says that a stronger choice is known.
"""
OWN = """\
A file `probes/NAME.py` of a repo that defines `measure(view)` is a probe (`evolverec new-probe DIR NAME` begins one); its findings have
the code `user/NAME`. It may import what evolverec's own environment has, and runs in a sandbox, at most 60 seconds and 2 GiB a
call. `measure` returns a number for each of the S users of the view (NaN leaves one out; the mean gets an interval), one number, None
where it cannot tell, or a mapping with such a `value` and perhaps `message`, `healthy` and `at`. S is up to some hundreds of users.
"""
TITLES = {
    Nature.CAUSE: "Causes",
    Nature.SYMPTOM: "Symptoms",
    Nature.ADVICE: "Advice",
}
ORIGINS = {
    FoundBy.PROBE: "on the trained model and its examination",
    FoundBy.CONTRACT: "by questions to the recommender",
    FoundBy.RULE: "in the code, as it is typed",
}


def probes_page() -> str:
    """The page, as Markdown."""
    return (
        "\n".join([HEAD, *(line for nature in Nature for line in _section(nature)), *_of_the_users()]) + "\n"
    )


def _of_the_users() -> Iterator[str]:
    """What a probe that the user writes is given, and what it may say of itself."""
    yield f"## Your own probes\n\n{OWN}"
    yield "| constant | meaning |\n|---|---|"
    yield from (f"| `{name}` | {term.meaning} |" for name, term in TERMS.items())
    yield "\n| attribute of `view` | what it is |\n|---|---|"
    yield from (f"| `{name}` | {words} |" for name, words in DESCRIBED.items())


def _section(nature: Nature) -> Iterator[str]:
    kinds = [kind for kind in CATALOGUE.values() if kind.nature is nature]
    yield f"## {TITLES[nature]}\n"
    for kind in sorted(kinds, key=lambda kind: kind.code):
        yield from _entry(kind)


def _entry(kind: FindingKind) -> Iterator[str]:
    yield f"### {kind.title} (`{kind.code}`)\n"
    yield f"{kind.why}\n"
    yield f"- Found {ORIGINS[kind.found_by]}: {kind.definition}"
    if kind.unit:
        yield f"- Unit: {kind.unit}; held against: {kind.reference or 'nothing'}"
    yield f"- Shown: {where_words(kind)}"
    if kind.needs_training:
        yield "- Not judged in a model that was still improving when its training ended."
    explains, explained = (", ".join(f"`{code}`" for code in codes) for codes in _related(kind))
    if explains:
        yield f"- Explains: {explains}"
    if explained:
        yield f"- Explained by: {explained}"
    if recipes := recipes_for(kind):
        yield "- Recipes: " + ", ".join(f"{title} (`{code}`)" for code, title in recipes.items())
    if techniques := techniques_for(kind.code):
        yield "- Techniques: " + ", ".join(f"[{one['name']}]({one['url']})" for one in techniques)
    if kind.sources:
        yield f"- Sources: {', '.join(kind.sources)}"
    yield ""


def _related(kind: FindingKind) -> tuple[list[str], list[str]]:
    told = {kind.code, *kind.verifies}
    return sorted(kind.explains), sorted(
        one.code for one in CATALOGUE.values() if one.code != kind.code and told & set(one.explains)
    )


if __name__ == "__main__":
    PAGE.write_text(probes_page(), encoding="utf-8")
