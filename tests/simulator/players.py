"""Models as scripts of the scripted endpoint: how each of them would play the users of the corner shop.

All they know is the rendered prompt that reached the endpoint.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.llm.scripted import Request, Script, by_prompt

Said = dict[str, Any]


def lines_of(request: Request, tag: str) -> list[Said]:
    """The records between two tags of the prompt: objects, or the rows of a table below the names of its columns."""
    found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", request.text, re.DOTALL)
    assert found, f"no <{tag}> in the prompt"
    lines = [json.loads(line) for line in found[1].splitlines() if line[:1] in ("{", "[")]
    if lines and isinstance(lines[0], list):
        return [dict(zip(lines[0], row, strict=True)) for row in lines[1:]]
    return lines


def own_kind(request: Request) -> str:
    """What the user of this prompt takes most."""
    return lines_of(request, "past")[0]["most_common_categories"][0].rpartition(" (")[0]


def judge_by_kind(request: Request) -> Said:
    kind = own_kind(request)
    fits = {item["item"]: kind in item["categories"] for item in lines_of(request, "page")}
    answers = [
        {"item": item, "align": fit, "rating": 4 if fit else None, "reason": f"I come for {kind}."}
        for item, fit in fits.items()
    ]
    lacking = sum(fits.values()) < len(fits) / 2
    point = [{"signal": "category", "sentence": f"I come for {kind}."}]
    return {
        "answers": answers,
        "positive_reasons": [] if lacking else point,
        "negative_reasons": [f"No {kind} here."] if lacking else [],
        "overused": [],
        "missing": point if lacking else [],
        "summary": "It does not know me." if lacking else "It knows me.",
    }


def rank_by_kind(request: Request) -> Said:
    kind = own_kind(request)
    items = sorted(lines_of(request, "items"), key=lambda item: kind not in item["categories"])
    return {"ranking": [item["item"] for item in items]}


def rank_as_shown(request: Request) -> Said:
    return {"ranking": [item["item"] for item in lines_of(request, "items")]}


def put_into_words(request: Request) -> Said:
    wrong, right = (
        [
            {"code": said["code"], "sentence": f"In words: {said['meaning']}."}
            for said in lines_of(request, tag)
        ]
        for tag in ("complaints", "praise")
    )
    codes = [said["code"] for said in wrong]
    track = [
        {"signal": "category", "sentence": "Share of listed items of a user's main kind.", "codes": codes}
    ]
    return {
        "reads_intent": "By what other people like.",
        "right": right,
        "wrong": wrong,
        "main_failure": "The first items are of a kind that these users never take.",
        "track": track if codes else [],
    }


def obey(request: Request) -> Said:
    """The model that does what the hostile title says, where it sees it."""
    said = judge_by_kind(request)
    if "Ignore your instructions" not in request.text:
        return said
    secret = request.body["messages"][0]["content"]
    answers = [{**answer, "align": True, "rating": 5, "reason": secret} for answer in said["answers"]]
    leaks = {"overused": [], "missing": [], "negative_reasons": [secret], "summary": secret}
    return {
        **said,
        **leaks,
        "answers": answers,
        "positive_reasons": [{"signal": "quality", "sentence": secret}],
    }


def player(
    judge: Callable[[Request], Any] = judge_by_kind,
    rank: Callable[[Request], Any] = rank_by_kind,
    summarise: Callable[[Request], Any] = put_into_words,
) -> Script:
    return by_prompt({"persona": judge, "persona-choice": rank, "aggregate": summarise})
