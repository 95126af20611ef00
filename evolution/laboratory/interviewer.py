"""Sets up LLM-played users outside evolution runs: client, budget and cost estimate."""

from collections.abc import Iterator
from contextlib import contextmanager

from evolution.base.amounts import roughly
from evolution.domain.job import EventType
from evolution.domain.limits import Limits
from evolution.laboratory.context import JobContext
from evolution.laboratory.observer import Interviewer
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.estimate import interviews
from evolution.llm.exchanges import StoredExchanges
from evolution.llm.settings import LlmSettings


def interviewer_of(client: LlmClient, users: int) -> Interviewer:
    """An interviewer that plays `users` users with the client's model for personas."""
    settings = client.settings
    return Interviewer(
        ask=client.ask, model=settings.model_of("persona"), users=users, concurrency=settings.concurrency
    )


@contextmanager
def opened_interviewer(
    context: JobContext, settings: LlmSettings, *, users: int, limits: Limits
) -> Iterator[Interviewer]:
    """An interviewer within a budget; the estimated cost is logged before, the actual cost after.

    Raises UsageError if the limit is in dollars and the model has no price.
    """
    emit = context.events.emit
    expected = interviews(settings, users)
    emit(EventType.LOG, f"estimate: about {roughly(expected.tokens, expected.usd)} for {users} users")
    budget = Budget(limits)
    log = StoredExchanges(store=context.store, lock=context.store_lock)
    with LlmClient(
        settings, log=log, budget=budget, repo=context.repo, cancelled=context.cancelled
    ) as client:
        try:
            yield interviewer_of(client, users)
        finally:
            paid = budget.paid
            emit(
                EventType.LOG,
                f"users played by {settings.model_of('persona')}: {paid.tokens:,} tokens, ${paid.usd:.4f}",
            )
