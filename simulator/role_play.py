"""An LLM-played user, with the same interface as the statistical one.

These protect the result from an item title such as "ignore your instructions": data is fenced in the prompt
(`text.as_data`); an answer must be about exactly the items shown (`replies`); a remark can only be one of our
codes with a short plain sentence (`text.clean`); and the LLM's critiques count only if it predicts real users' next
choices better than chance. Within these forms, a title may still sway the answers of every user whose page shows it,
and an item on all pages can sway all of them. Fidelity is measured on other pages, so it need not reveal that.
Statistical users read no titles: where the two kinds disagree, look at the quotes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.asking import Ask
from simulator.behaviour import Answer, Judgement, Remark
from simulator.briefing import Briefing
from simulator.opinions import Opinion
from simulator.pages import Page
from simulator.text import clean

if TYPE_CHECKING:
    from simulator.replies import PageReply

JUDGE_PROMPT = "persona"
CHOICE_PROMPT = "persona-choice"
REASON = 200  # most characters of a reason
EVEN = 1.0  # strength of every opinion, because LLM-played users do not state one


@dataclass(frozen=True, kw_only=True, eq=False)
class RolePlay:
    """A `Behaviour` that knows the contents of the briefing and nothing else."""

    briefing: Briefing
    ask: Ask

    def judge(self, page: Page) -> Judgement:
        """Answers and interview in one LLM call, without a call for an empty page. Raises any error of `ask`."""
        persona = self.briefing.persona
        if not page.items:
            return Judgement(user=persona.user, persona=persona.description, answers=(), remarks=())
        from simulator.replies import page_reply

        reply = self.ask(JUDGE_PROMPT, self.briefing.values(page), page_reply(i.item for i in page.items))
        said = {answer.item: answer for answer in reply.answers}
        answers = tuple(
            Answer(
                item=item.item,
                align=said[item.item].align,
                rating=said[item.item].rating if self.briefing.rates and said[item.item].align else None,
                reason=clean(said[item.item].reason, REASON),
            )
            for item in page.items
        )
        return Judgement(
            user=persona.user,
            persona=persona.description,
            answers=answers,
            remarks=_remarks(reply, self.briefing.signals),
            words=tuple(filter(None, map(clean, (*reply.negative_reasons, reply.summary)))),
        )

    def rank(self, page: Page) -> tuple[int, ...]:
        """The ids of the page's items, the most likely next choice first. Raises any error of `ask`."""
        from simulator.replies import ranking_reply

        reply = self.ask(CHOICE_PROMPT, self.briefing.values(page), ranking_reply(i.item for i in page.items))
        return tuple(reply.ranking)


def _remarks(reply: "PageReply", signals: tuple[str, ...]) -> tuple[Remark, ...]:
    """One remark per code, complaints first.

    Signals that the data cannot show are dropped, and so is praise of a signal that the user also complains about.
    """
    kinds = (("overused", reply.overused), ("missed", reply.missing), ("liked", reply.positive_reasons))
    remarks: dict[str, Remark] = {}
    blamed: set[str] = set()
    for kind, points in kinds:
        for point in points:
            code, sentence = f"{kind}-{point.signal}", clean(point.sentence)
            unsaid = point.signal not in signals or code in remarks or not sentence
            if unsaid or (kind == "liked" and point.signal in blamed):
                continue
            opinion = Opinion(code=code, signal=point.signal, positive=kind == "liked", strength=EVEN)
            remarks[code] = Remark(opinion=opinion, text=sentence)
            if kind != "liked":
                blamed.add(point.signal)
    return tuple(remarks.values())
