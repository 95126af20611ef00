"""The LLM client: takes a prompt and its values, and returns a checked reply, whatever the endpoint can do.

An ask is one exchange, and up to two more that tell the model what was wrong with its answer. Each exchange is
reserved in the budget, then taken from the log or sent to the endpoint, and recorded before its answer is returned.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from evolution.base.errors import (
    Cancelled,
    LlmMalformed,
    LlmRefused,
    LlmUnavailable,
    NotRecorded,
    UsageError,
)
from evolution.base.places import user_config_folder
from evolution.llm.budget import NOTHING, Budget, Charge
from evolution.llm.command_endpoint import endpoint_of
from evolution.llm.endpoint import Endpoint
from evolution.llm.exchanges import Exchange, ExchangeLog, Question
from evolution.llm.exchanging import Exchanging, input_tokens
from evolution.llm.forms import Forms
from evolution.llm.pace import Pace
from evolution.llm.prompt import guard, load_prompt
from evolution.llm.schema import Unfit, read_reply, strict_schema
from evolution.llm.settings import LlmSettings
from evolution.llm.usage import Usage, charge

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")

REPAIRS = 2  # times that the model is asked to answer again
REPEATED = 8_000  # characters of a wrong answer that the model is shown then
REPAIR = """Your answer cannot be used: {problem}.
Answer again, to the same task, with one complete JSON object and nothing before or after it."""


def never() -> bool:
    """The default of `cancelled`: the work is never cancelled."""
    return False


class LlmClient:
    """The client of one endpoint. Threads may share it.

    repo: its absolute path must not appear in any prompt.
    replay: use recorded exchanges only, and no network.
    first_wait_s: about how long to wait before a second try.
    endpoint: an endpoint of another kind; by default the one of the settings.

    Raises UsageError if dollars are limited and the price of a model is not known.
    """

    def __init__(
        self,
        settings: LlmSettings,
        *,
        log: ExchangeLog,
        budget: Budget,
        repo: Path | None = None,
        cancelled: Callable[[], bool] = never,
        replay: bool = False,
        first_wait_s: float = 1.0,
        endpoint: Endpoint | None = None,
    ) -> None:
        if budget.limits.usd is not None:
            check_prices(settings)
        self.settings, self.budget, self.replay = settings, budget, replay
        self._log, self._cancelled = log, cancelled
        self._guard = guard(key=settings.key, repo=repo)
        self._exchanging = Exchanging(
            settings=settings,
            endpoint=endpoint or endpoint_of(settings),
            pace=Pace(settings.concurrency, cancelled),
            forms=Forms(),
            log=log,
            cancelled=cancelled,
            first_wait_s=first_wait_s,
        )
        self._asked: dict[str, threading.Lock] = {}
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exchanging.endpoint.close()

    def ask(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R:
        """Ask a model; see `asking.Ask`.

        Raises LlmError, Cancelled; KeyError or jinja2.UndefinedError if the caller names no prompt or leaves out a
        value.
        """
        question = self.question(prompt, values, reply)
        problem = ""
        for attempt in range(REPAIRS + 1):
            exchange = self._exchange(replace(question, attempt=attempt))
            try:
                return _read(exchange, reply)
            except Unfit as unfit:
                problem = str(unfit)
            if exchange.finish != "length" and exchange.text:
                self._exchanging.forms.distrust(question)
            question = replace(question, messages=(*question.messages, *_repair(exchange, problem)))
        raise LlmMalformed(
            f"{question.model} gave no usable answer to {prompt!r} in {REPAIRS + 1} attempts; of the last: {problem}"
        )

    def question(self, prompt: str, values: Mapping[str, Any], reply: "type[pydantic.BaseModel]") -> Question:
        """The first question of an ask. Raises UnsafePrompt."""
        found = load_prompt(prompt)
        messages = found.render(values)
        self._guard.check(prompt, messages)
        return Question(
            prompt=prompt,
            version=found.version,
            role=found.role,
            model=self.settings.model_of(found.role),
            effort=self.settings.effort_of(found.role),
            messages=tuple(messages),
            schema=strict_schema(reply),
            schema_name=re.sub(r"[^A-Za-z0-9_-]", "-", reply.__name__)[:64],
            max_output_tokens=self.settings.max_output_tokens,
            attempt=0,
        )

    def most(self, question: Question) -> Charge:
        """The most that one exchange can cost: our estimate of the tokens sent, and the longest answer allowed."""
        usage = Usage(input=input_tokens(question), output=question.max_output_tokens)
        return charge(usage, self.settings.prices.get(question.model))

    def _exchange(self, question: Question) -> Exchange:
        """The exchange for a question, from the log or from the endpoint, charged to the budget. Raises LlmError,
        Cancelled.
        """
        key = question.key
        with (
            self._one_at_a_time(key),
            self.budget.reserve(key, self.most(question), self._cancelled, role=question.role) as reserved,
        ):
            known = self._log.find(key)
            if known is not None and (self.replay or not known.failure):
                reserved.settle(known.charge, paid=NOTHING)
                return self._checked(known)
            if self.replay:
                raise NotRecorded(
                    f"the replay needs an exchange of the prompt {question.prompt!r} that was never recorded"
                )
            lost = known.lost if known is not None else Usage()
            exchange = self._exchanging.have(question, lost)
            before = charge(lost, self.settings.prices.get(question.model))
            reserved.settle(exchange.charge, paid=exchange.charge - before)
            return self._checked(exchange)

    def _checked(self, exchange: Exchange) -> Exchange:
        """The exchange, if it has an answer. Raises LlmUnavailable, LlmRefused, Cancelled."""
        if exchange.failure and not self.replay and self._cancelled():
            raise Cancelled(exchange.failure)
        if exchange.failure:
            raise LlmUnavailable(
                f"the LLM endpoint gave no answer to {exchange.prompt!r}: {exchange.failure}"
            )
        if exchange.refusal:
            raise LlmRefused(
                f"{exchange.model} declined to answer {exchange.prompt!r}: {exchange.refusal[:200]}"
            )
        return exchange

    def _one_at_a_time(self, key: str) -> threading.Lock:
        """A lock for a question: if two threads ask the same, the second finds the answer of the first in the log."""
        with self._asking:
            return self._asked.setdefault(key, threading.Lock())


def check_prices(settings: LlmSettings) -> None:
    """Raises UsageError if a model has no price, because a limit in dollars could not be kept."""
    for model in settings.models_used():
        if model not in settings.prices:
            raise UsageError(
                f"a limit in dollars needs the price of {model}: add to {user_config_folder() / 'config.toml'} the table "
                f'[llm.prices."{model}"] with input and output, in USD per million tokens (0 for a local endpoint)'
            )


def _read(exchange: Exchange, reply: type[R]) -> R:
    """The reply in an exchange. Raises Unfit."""
    if exchange.finish == "length":
        raise Unfit(
            f"it was cut off after {exchange.usage.output} tokens, before it was complete; be shorter"
        )
    return read_reply(exchange.text, reply)


def _repair(exchange: Exchange, problem: str) -> list[Mapping[str, str]]:
    """The messages that ask the model to answer again, and say what was wrong; the schema follows them (see `forms`)."""
    again = REPAIR.format(problem=problem.rstrip("."))
    answer = exchange.text[:REPEATED] or "(empty)"
    return [{"role": "assistant", "content": answer}, {"role": "user", "content": again}]
