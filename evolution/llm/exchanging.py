"""One exchange with the endpoint: tries until there is an answer or no hope, then records the exchange with its whole
cost.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evolution.base.errors import Cancelled
from evolution.llm.endpoint import Completion, Endpoint, Failed, Remedy
from evolution.llm.exchanges import Exchange, ExchangeLog, Question
from evolution.llm.forms import Forms, other_form, request_body
from evolution.llm.pace import Pace, backoff_s
from evolution.llm.settings import LlmSettings
from evolution.llm.text import printable
from evolution.llm.usage import Usage, charge, estimate_input, estimate_tokens, tokens_of

LONGEST_WAIT_S = 300.0  # the longest pause that an endpoint may ask for
FILTERED = "content_filter"  # the `finish` of an answer that the endpoint's filter held back


@dataclass(frozen=True, kw_only=True)
class Exchanging:
    """What all exchanges of one client share.

    first_wait_s: about how long to wait before the second try.
    """

    settings: LlmSettings
    endpoint: Endpoint
    pace: Pace
    forms: Forms
    log: ExchangeLog
    cancelled: Callable[[], bool]
    first_wait_s: float

    def have(self, question: Question, lost: Usage) -> Exchange:
        """Send a question, and return the recorded exchange; its `failure` says why there is no answer.

        An exchange that was cancelled before it could cost anything is not recorded.

        lost: usage of the question's earlier tries.
        """
        tries = _Tries(shared=self, question=question, lost=lost)
        started = time.perf_counter()
        is_cancelled = False
        try:
            exchange = tries.answered(tries.completion())
        except Failed as failure:
            exchange = replace(tries.blank(), failure=str(failure))
        except Cancelled as stop:
            is_cancelled = True
            exchange = replace(tries.blank(), failure=str(stop))
        exchange = self._priced(replace(exchange, wall_s=round(time.perf_counter() - started, 3)))
        if not is_cancelled or exchange.lost != Usage():
            self.log.keep(exchange)
        return exchange

    def _priced(self, exchange: Exchange) -> Exchange:
        price = self.settings.prices.get(exchange.model)
        return replace(
            exchange, usd="" if price is None else str(charge(exchange.usage + exchange.lost, price).usd)
        )


class _Tries:
    """The tries of one exchange.

    lost: what those that broke off may have cost.
    """

    def __init__(self, *, shared: Exchanging, question: Question, lost: Usage) -> None:
        self.shared, self.question, self.lost = shared, question, lost
        self.form, self.limit = shared.forms.of(question.model)

    def completion(self) -> Completion:
        """The endpoint's answer. Raises Failed when no further try makes sense, Cancelled."""
        tries = 0
        while True:
            try:
                return self._try()
            except Failed as failure:
                self._count(failure)
                if failure.kind is Remedy.OTHERWISE and self._say_otherwise(failure):
                    continue
                if failure.kind in (Remedy.OTHERWISE, Remedy.HOPELESS):
                    raise
                tries += 1
                self._wait(failure, tries)

    def _try(self) -> Completion:
        in_words = self.shared.forms.in_words(self.question)
        body = request_body(self.question, self.form, self.limit, in_words=in_words)
        with self.shared.pace.turn():
            completion = self.shared.endpoint.complete(
                body, prompt=self.question.prompt, cancelled=self.shared.cancelled
            )
        self.shared.forms.learn(self.question.model, self.form, self.limit)
        return completion

    def _say_otherwise(self, failure: Failed) -> bool:
        """Choose another form for the request; False if none is left."""
        other = other_form(self.form, self.limit, str(failure))
        if other is not None:
            self.form, self.limit = other
        return other is not None

    def _wait(self, failure: Failed, tries: int) -> None:
        """Wait before the next try. Raises Failed if there is none."""
        if tries > self.shared.settings.retries:
            raise Failed(Remedy.HOPELESS, f"{failure} ({tries} tries)") from None
        wait_s = failure.wait_s
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            raise Failed(Remedy.HOPELESS, f"{failure}; it asks to wait {wait_s:.0f} s") from None
        if wait_s is None:
            wait_s = backoff_s(self.question.key, tries - 1, self.shared.first_wait_s)
        if failure.kind is Remedy.PAUSE:
            self.shared.pace.pause(wait_s)
        else:
            self.shared.pace.sleep(wait_s)

    def _count(self, failure: Failed) -> None:
        """Add what a failed try may have cost to `lost`."""
        if failure.billed:
            output = min(tokens_of(failure.received), self.question.max_output_tokens)
            self.lost += replace(self._estimated(), output=output)

    def _estimated(self) -> Usage:
        return Usage(input=input_tokens(self.question), estimated=True)

    def blank(self) -> Exchange:
        """The exchange without an answer."""
        question = self.question
        return Exchange(
            key=question.key,
            created_at=time.time(),
            prompt=question.prompt,
            version=question.version,
            role=question.role,
            model=question.model,
            effort=question.effort,
            attempt=question.attempt,
            messages=question.messages,
            lost=self.lost,
        )

    def answered(self, completion: Completion) -> Exchange:
        """The exchange with its answer, and with an estimate where the endpoint reports no usage."""
        text, refusal = printable(completion.text), printable(completion.refusal)
        if completion.finish == FILTERED:
            refusal = refusal or "the endpoint's filter held the answer back"
        return replace(
            self.blank(),
            form=self.form,
            text=text,
            finish=completion.finish,
            refusal=refusal,
            usage=completion.usage or replace(self._estimated(), output=estimate_tokens(text + refusal)),
        )


def input_tokens(question: Question) -> int:
    """Our estimate of the tokens of the messages and the schema, on the high side in whichever form these are sent."""
    schema: Mapping[str, str] = {"content": json.dumps(question.schema, separators=(",", ":"))}
    return estimate_input([*question.messages, schema])
