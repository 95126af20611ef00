"""A real mind as a script of the scripted endpoint: the exchanges of `recorded/`, answered again.

Another processor trains to other last digits, so a prompt of the replay can show other figures, pages and open
complaints than the recorded one. An answer is therefore found by what a prompt is about: the user and the items of a page, the
idea of a patch, the ideas that made the version to change. A page that was never judged is answered from what the user said of the
same items elsewhere, and an idea addresses what is open.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seeds.reading import parse_json
from tests.llm.scripted import Request, Script, by_prompt

FOLDER = Path(__file__).parent / "recorded"
PAST = re.compile(r'"items_taken_so_far": \d+, "first_and_last_date": \[[^\]]*\]')
ROWS = re.compile(r"<(?:page|items)>\n(.*?)\n</(?:page|items)>", re.DOTALL)
TITLE = re.compile(r"^## The idea\n<data>\n(.+)$", re.MULTILINE)
MADE_BY = re.compile(r"\(made by: ([^)]*)\)")
NUMBERED = re.compile(r"^ *\d+\|(?: |$)")
OPEN = re.compile(r"^- id ([0-9a-f]{12}):", re.MULTILINE)

Said = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One exchange. question: the prompt's part `user`; answer: what the mind replied."""

    prompt: str
    question: str
    answer: Said


@cache
def recorded() -> tuple[Recorded, ...]:
    """All exchanges, in the order in which they were answered."""
    lines = (FOLDER / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Recorded(**parse_json(line)) for line in lines)


@cache
def outcome() -> Said:
    """What the recorded run came to."""
    found: Said = parse_json((FOLDER / "outcome.json").read_text(encoding="utf-8"))
    return found


def of(prompt: str) -> list[Recorded]:
    return [one for one in recorded() if one.prompt == prompt]


def user_of(text: str) -> str:
    found = PAST.search(text)
    assert found, "no user in the prompt"
    return found[0]


def items_of(text: str) -> list[int]:
    table = ROWS.findall(text)[-1]
    return [json.loads(line)[0] for line in table.splitlines()[1:]]


def choice(request: Request) -> Said:
    """The user's ranking; the same items are asked about wherever the data is the same."""
    user, items = user_of(request.text), sorted(items_of(request.text))
    (found,) = (one for one in of("persona-choice") if user_of(one.question) == user)
    assert sorted(found.answer["ranking"]) == items
    return found.answer


def judgement(request: Request) -> Said:
    """The recorded judgement of this page, or of the user's page that shares most items with it."""
    user, items = user_of(request.text), items_of(request.text)
    own = [one for one in of("persona") if user_of(one.question) == user]
    assert own, user
    nearest = max(
        own, key=lambda one: (items_of(one.question) == items, len(set(items_of(one.question)) & set(items)))
    )
    known = {said["item"]: said for one in [*own, nearest] for said in one.answer["answers"]}
    passed = {"align": False, "rating": None, "reason": "It is not what I look for."}
    return {**nearest.answer, "answers": [known.get(item, {"item": item, **passed}) for item in items]}


def made_by(text: str) -> str:
    found = MADE_BY.search(text)
    return found[1] if found else ""


def report(request: Request) -> Said:
    """The plan for a version made by these ideas; for another one, the plan for the user's own without the ideas that are in."""
    plans = {made_by(one.question): one.answer for one in of("plan-report")}
    inside = made_by(request.text)
    plan = plans.get(inside, plans[""])
    left = [idea for idea in plan["ideas"] if idea["code"] not in inside.split(", ")]
    chosen = plan["chosen"] if plan["chosen"] in [idea["code"] for idea in left] else left[0]["code"]
    return {**plan, "ideas": [answering(idea, request.text) for idea in left], "chosen": chosen}


def answering(idea: Said, text: str) -> Said:
    """The idea, addressing of what it addressed that which is open; all that is open where too little of it is."""
    still = OPEN.findall(text)
    kept = [name for name in idea["addresses"] if name in still]
    return {**idea, "addresses": kept if len(kept) == len(idea["addresses"]) else still}


def second_look(request: Request) -> Said:
    """The plan's own choice: in this run nothing spoke against it."""
    chosen = re.search(r"^Chosen: (\S+)$", request.text, re.MULTILINE)
    assert chosen, request.text[-500:]
    return {"verdict": "It stands.", "ideas": [], "chosen": chosen[1]}


def patch(request: Request) -> Said:
    """The recorded edits for this idea that fit the files of the prompt."""
    title = TITLE.search(request.text)
    assert title, "no idea in the prompt"
    files = files_of(request.text)
    fitting = [
        one.answer
        for one in of(request.prompt)
        if title[1] in one.question
        and all(files.get(edit["path"], "").count(edit["old"]) == 1 for edit in one.answer["edits"])
    ]
    return fitting[0] if fitting else {"approach": "", "cause": "", "edits": [], "patch": ""}


def files_of(text: str) -> dict[str, str]:
    """The files that a prompt shows whole, without the numbers and bars of their lines."""
    files: dict[str, list[str]] = {}
    path = ""
    for line in text[text.rindex("\n## The files") :].splitlines():
        if line.startswith("### "):
            path = line.removeprefix("### ")
            files[path] = []
        elif path and (numbered := NUMBERED.match(line)):
            files[path].append(line[numbered.end() :])
    return {path: "\n".join(lines) for path, lines in files.items()}


def queries(request: Request) -> Said:
    """The first queries of the recorded run: they only decide which literature is found."""
    return of("plan-queries")[0].answer


def recorded_mind() -> Script:
    """Answers every prompt of a run as the recorded mind did."""
    return by_prompt(
        {
            "persona-choice": choice,
            "persona": judgement,
            "plan-queries": queries,
            "plan-report": report,
            "plan-reflect": second_look,
            "code": patch,
            "debug": patch,
            "aggregate": refused_words,
            "probe": no_probe,
            "code-reflect": {"faults": [], "verdict": "fine", "edits": [], "patch": ""},
        }
    )


def refused_words(request: Request) -> str:
    """No prose: the recorded users agreed on nothing, so this was never asked, and counted results stay as they are."""
    return "I was never asked this."


def no_probe(request: Request) -> str:
    """The recorded run had no trial left for a probe to count in."""
    return "I was never asked this."
