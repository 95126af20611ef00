"""What exchanges cost, to the last digit, and that recorded ones answer again."""

import threading
from decimal import Decimal

import pytest

from evolution.base.errors import BudgetSpent, LlmError, LlmMalformed, LlmUnavailable, NotRecorded, UsageError
from evolution.domain.limits import Limits
from evolution.llm.exchanges import Exchange, StoredExchanges
from evolution.llm.usage import Usage
from evolution.store.store import Store
from tests.evolution.llm.conftest import OWL, PRICE, Animal, Notes
from tests.llm import scripted


def ask(client, what="flies"):
    return client.ask("trial", {"what": what}, Animal)


def bill(scripted_llm) -> Decimal:
    """What the endpoint would charge, in dollars."""
    return (
        sum((given * PRICE.input + made * PRICE.output for _, given, made in scripted_llm.billed), Decimal(0))
        / 10**6
    )


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (OWL, None),
        (scripted.in_turn(scripted.malformed(), OWL), None),
        (scripted.in_turn(scripted.status(500), scripted.status(429), OWL), None),
        (scripted.malformed(), LlmMalformed),
        (scripted.truncate(OWL), LlmError),
        (scripted.refuse(), LlmError),
    ],
)
def test_the_budget_is_charged_what_the_endpoint_bills(connect, scripted_llm, script, error):
    client = connect(script, limits=Limits(usd=1, tokens=100_000))
    if error is None:
        ask(client)
    else:
        with pytest.raises(error):
            ask(client)
    assert client.budget.charged.usd == client.budget.paid.usd == bill(scripted_llm) > 0
    assert client.budget.charged.tokens == sum(given + made for _, given, made in scripted_llm.billed)


def test_cached_input_has_its_own_price(connect):
    client = connect(scripted.reply(OWL, usage=(1000, 10), cached=400))
    ask(client)
    assert client.budget.charged.usd == Decimal("0.0021")  # 600 at 2.5, 400 at 1.25, 10 at 10 millionths


@pytest.mark.parametrize("claim", [None, (-5, 3), ("many", 3), (True, 3), (1.5, 3)])
def test_where_no_usage_is_told_or_none_that_can_be_it_is_estimated(connect, claim):
    log = Notes()
    client = connect(scripted.reply(OWL, usage=claim), log=log)
    ask(client)
    (exchange,) = log.kept.values()
    assert exchange.usage.estimated and exchange.usage.input > 20 and exchange.usage.output == 9
    assert client.budget.charged.usd > 0


def test_an_exchange_that_could_break_the_limit_is_not_asked(connect, scripted_llm):
    client = connect(limits=Limits(usd=0.1), max_output_tokens=20_000)
    with pytest.raises(
        BudgetSpent, match=r"could cost \$0\.20.*, and the limit is \$0.10; raise --budget-usd"
    ):
        ask(client)
    assert scripted_llm.requests == [] and client.budget.is_spent()


def test_tokens_are_limited_without_any_price(connect, scripted_llm):
    client = connect(limits=Limits(tokens=2_000), max_output_tokens=1_800, prices={})
    ask(client)
    with pytest.raises(BudgetSpent, match="tokens, and the limit is 2000"):
        for n in range(20):
            ask(client, f"is number {n}")
    assert 1 < len(scripted_llm.requests) < 20
    assert client.budget.figures()["tokens"] <= 2_000


def test_dollars_cannot_be_limited_without_a_price(connect):
    with pytest.raises(UsageError, match=r'\[llm.prices."scripted-1"\] with input and output'):
        connect(limits=Limits(usd=1), prices={})


def test_a_recorded_exchange_costs_the_run_the_same_but_is_not_paid_again(connect, scripted_llm):
    log = Notes()
    first = connect(scripted.in_turn(scripted.malformed(), OWL), log=log)
    ask(first)
    ask(first)
    again = connect(log=log)
    assert ask(again).name == "owl" and len(scripted_llm.requests) == 2
    assert again.budget.charged == first.budget.charged == first.budget.paid
    assert again.budget.paid.tokens == 0


def test_a_replay_needs_no_endpoint_and_tells_the_same_failures(connect, scripted_llm):
    log = Notes()
    live = connect(scripted.in_turn(OWL, scripted.malformed(), scripted.malformed(), scripted.malformed(),
                                    scripted.refuse(), scripted.hang_up()), log=log, retries=1)  # fmt: skip
    told = [outcome(live, what) for what in "abcd"]
    assert [kind for kind, _ in told] == ["Animal", "LlmMalformed", "LlmRefused", "LlmUnavailable"]
    replay = connect(log=log, replay=True, base_url="http://127.0.0.1:9/v1", retries=1)
    assert [outcome(replay, what) for what in "abcd"] == told
    assert replay.budget.figures() == live.budget.figures()
    with pytest.raises(NotRecorded, match="'trial' that was never recorded"):
        ask(replay, "was never asked for")


def outcome(client, what):
    try:
        reply = ask(client, what)
    except LlmError as error:
        return type(error).__name__, str(error)
    return type(reply).__name__, str(reply)


def test_an_exchange_that_failed_is_asked_again_by_a_live_run(connect, scripted_llm):
    log = Notes()
    client = connect(scripted.in_turn(scripted.hang_up(), OWL), log=log, retries=0)
    with pytest.raises(LlmUnavailable):
        ask(client)
    lost = client.budget.paid
    assert lost.tokens > 0
    assert ask(client).name == "owl"
    assert client.budget.charged == client.budget.paid
    scripted_llm.billed.pop(0)  # of the answer that was lost; ours is an estimate of it
    assert (client.budget.paid - lost).usd == bill(scripted_llm)
    assert len(log.kept) == 1


@pytest.mark.parametrize(
    "other",
    [{"model": "another"}, {"efforts": {"planner": "low"}}, {"max_output_tokens": 99}],
)
def test_another_model_effort_or_limit_is_another_exchange(connect, scripted_llm, other):
    log = Notes()
    ask(connect(log=log))
    ask(connect(log=log, **other))
    assert len(scripted_llm.requests) == len(log.kept) == 2


def test_another_version_of_a_prompt_is_another_exchange(connect, scripted_llm, prompts):
    log = Notes()
    ask(connect(log=log))
    prompts(version=2)
    ask(connect(log=log))
    assert len(scripted_llm.requests) == 2


@pytest.fixture(params=["memory", "store"])
def exchange_log(request, tmp_path):
    """The contract of ExchangeLog holds for each."""
    if request.param == "memory":
        yield Notes()
    else:
        with Store.open(tmp_path) as store:
            yield StoredExchanges(store=store, lock=threading.RLock())


def test_a_log_finds_what_it_kept_and_the_newest_counts(exchange_log):
    first = Exchange(
        key="k", created_at=1.5, prompt="trial", version=1, role="planner", model="m", effort="", attempt=0,
        messages=({"role": "user", "content": "Grüße"},), failure="no connection", lost=Usage(input=3, estimated=True),
        usd="0.0000075",
    )  # fmt: skip
    assert exchange_log.find("k") is None
    exchange_log.keep(first)
    assert exchange_log.find("k") == first and exchange_log.find("other") is None
    later = Exchange(**{**first.__dict__, "failure": "", "text": "{}", "usage": Usage(input=5, output=7)})
    exchange_log.keep(later)
    assert exchange_log.find("k") == later


def test_threads_share_a_stored_log(connect, tmp_path):
    with Store.open(tmp_path) as store:
        log = StoredExchanges(store=store, lock=threading.RLock())
        client = connect(log=log)
        threads = [threading.Thread(target=ask, args=(client, str(n))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.exchanges()) == 8
