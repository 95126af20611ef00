"""Lets an LLM rephrase an interpretation. It reads interviews and figures and returns sentences only.

Nothing in its reply can change a figure, the status, a code or the order.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.asking import Ask, is_llm_failure
from simulator.behaviour import Judgement
from simulator.critiques import Interpretation, Pattern, TrackedSignal
from simulator.interpreting import TRACKED, say_share
from simulator.signals import SIGNALS
from simulator.text import as_data, clean

if TYPE_CHECKING:
    from simulator.replies import SummaryReply

PROMPT = "aggregate"


def word(
    counted: Interpretation,
    judgements: Sequence[Judgement],
    *,
    signals: Sequence[str],
    ask: Ask,
    model: str,
) -> Interpretation:
    """The same figures in the LLM's words; unchanged if there is nothing to word or the call fails.

    signals: the signals that the data can show
    """
    if not counted.right and not counted.wrong:
        return counted
    from simulator.replies import summary_reply

    schema = summary_reply(
        complaints=[pattern.code for pattern in counted.wrong],
        praise=[pattern.code for pattern in counted.right],
    )
    try:
        reply = ask(PROMPT, tell_model(counted, judgements, signals), schema)
    except Exception as error:
        if not is_llm_failure(error):
            raise
        return counted
    return _reworded(counted, reply, model)


def tell_model(
    counted: Interpretation, judgements: Sequence[Judgement], signals: Sequence[str]
) -> dict[str, object]:
    """The values of the prompt `aggregate`."""
    return {
        "status": counted.status.value,
        "because": counted.because,
        "complaints": as_data(_told(pattern) for pattern in counted.wrong),
        "praise": as_data(_told(pattern) for pattern in counted.right),
        "main_failure": counted.main_failure or "nothing in particular",
        "signals": [{"name": name, "meaning": SIGNALS[name].meaning} for name in signals],
        "interviews": as_data(_interview(judgement) for judgement in judgements),
    }


def _told(pattern: Pattern) -> dict[str, object]:
    share = say_share((pattern.share, pattern.low, pattern.high))
    return {"code": pattern.code, "meaning": pattern.sentence, "said_by": f"{share} of {pattern.users} users"}


def _interview(judgement: Judgement) -> dict[str, object]:
    return {
        "user": judgement.persona,
        "items_that_fit": f"{sum(a.align for a in judgement.answers)} of {len(judgement.answers)}",
        "said": [{"code": r.opinion.code, "words": r.text} for r in judgement.remarks],
        "also_said": list(judgement.words),
    }


def _reworded(counted: Interpretation, reply: "SummaryReply", model: str) -> Interpretation:
    sentences = {point.code: _sentence(point.sentence) for point in (*reply.wrong, *reply.right)}
    failure = _sentence(reply.main_failure) if counted.main_failure else ""
    track = tuple(
        TrackedSignal(signal=point.signal, sentence=sentence, codes=tuple(dict.fromkeys(point.codes)))
        for point in reply.track[:TRACKED]
        if (sentence := _sentence(point.sentence))
    )
    return replace(
        counted,
        reads_intent=_sentence(reply.reads_intent) or counted.reads_intent,
        right=tuple(replace(p, sentence=sentences[p.code] or p.sentence) for p in counted.right),
        wrong=tuple(replace(p, sentence=sentences[p.code] or p.sentence) for p in counted.wrong),
        main_failure=f"{failure} ({counted.main_failure})" if failure else counted.main_failure,
        track=track or counted.track,
        worded_by=model,
    )


_FIGURE = re.compile(r"\d+\s*(%|percent|per cent|of (the )?\d|out of|users|people|customers)", re.IGNORECASE)


def _sentence(text: str) -> str:
    """The cleaned sentence; "" if it states a figure, since figures are computed by us only."""
    return "" if _FIGURE.search(text) else clean(text)
