"""Opens the tools of a run by the user's settings: proposer, simulated users, probe author, and limits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from diagnosis.coevolution.spec import ProbeSpec
from evolution.base.amounts import count, roughly
from evolution.base.errors import UsageError
from evolution.coevolution.author import Author
from evolution.coevolution.evolving_probes import EvolvingProbes
from evolution.coevolution.files import load_probes
from evolution.domain.job import EventType
from evolution.domain.limits import Limits
from evolution.domain.request import USUAL_TRIALS, EvolveRequest, ProposerChoice
from evolution.domain.run import Run
from evolution.evolving.coevolution import NoCoEvolution
from evolution.evolving.ledger import Ledger
from evolution.evolving.loop import Tools
from evolution.evolving.plan import FIRST, LEAST_TRIALS
from evolution.evolving.telling import TellingAsk
from evolution.laboratory.interviewer import interviewer_of
from evolution.laboratory.laboratory import Laboratory
from evolution.literature.opening import open_recorded, open_retriever
from evolution.literature.passage import Passage
from evolution.literature.settings import LiteratureSettings
from evolution.literature.source import StoredAnswers
from evolution.literature.web_search import SearchClient
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.estimate import PROPOSALS_AT_LEAST, CostEstimate, estimate, likely_proposals
from evolution.llm.exchanges import StoredExchanges
from evolution.llm.price_list import AS_OF, Price
from evolution.llm.reaching import reach
from evolution.llm.settings import LlmSettings
from evolution.proposers.by_llm import BothProposers, LlmProposer
from evolution.proposers.by_recipe import RecipeProposer
from evolution.proposers.by_tuning import TuningProposer
from evolution.proposers.planning.planner import Planner, Retrieve
from evolution.proposers.situation import Proposer
from evolution.proposers.strategies import STRATEGIES, Choice

NOWHERE = "http://127.0.0.1:9/v1"  # the endpoint of a replay, which sends no request


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The tools of a run, opened.

    request: the request with its proposer settled.
    client: None if no LLM takes part.
    model: names of the models used, "" without an LLM.
    """

    request: EvolveRequest
    tools: Tools
    client: LlmClient | None
    model: str


@contextmanager
def opened_tools(
    laboratory: Laboratory, request: EvolveRequest, *, stored: Run | None = None
) -> Iterator[Opened]:
    """Open the tools for a run, and close them after the block.

    stored: the run to replay; only what is stored is used then.

    Raises UsageError if an LLM proposer has no endpoint, a limit in dollars has no price, or limits cannot pay for
    three proposals; LlmUnavailable if the endpoint cannot be used, and nothing is replayed.
    """
    settings = _llm(laboratory, stored)
    request = replace(request, proposer=settled_proposer(request, settings))
    limits = request.limits
    if request.proposer is ProposerChoice.RECIPES:
        request = bounded(laboratory, request)
        limits = request.limits
        check_size(limits, None)
        tools = _tools(laboratory, request, Ledger(limits=limits), None, stored)
        yield Opened(request=request, tools=tools, client=None, model="")
        return
    assert settings is not None
    users = request.llm_users if STRATEGIES[request.strategy].directional else 0
    expected = expected_cost(laboratory, settings, users)
    check_size(limits, expected)
    if stored is None:
        reach(settings, settings.models_used(), cancelled=laboratory.context.cancelled)
    _say_before(laboratory, limits, expected)
    budget = Budget(limits)
    context = laboratory.context
    log = StoredExchanges(store=context.store, lock=context.store_lock)
    replays = stored is not None
    shared = {
        "log": log, "budget": budget, "repo": context.repo, "cancelled": context.cancelled, "replay": replays,
    }  # fmt: skip
    with LlmClient(settings, **shared) as client, SearchClient(settings, **shared) as search:
        endpoint = _Endpoint(client=client, search=search, sources=_sources(laboratory, stored))
        ledger = Ledger(limits=limits, exchanges=budget)
        model = ", ".join(settings.models_used())
        tools = _tools(laboratory, request, ledger, endpoint, stored, expected)
        yield Opened(request=request, tools=tools, client=client, model=model)


def bounded(laboratory: Laboratory, request: EvolveRequest) -> EvolveRequest:
    """The request of a run without an LLM, which dollars and tokens never end: the usual number of trials limits it."""
    if request.limits.trials is not None or request.limits.gpu_s is not None:
        return request
    words = (
        f"a limit in dollars or tokens ends no run without an LLM; this one ends after {USUAL_TRIALS} trials"
    )
    laboratory.context.events.emit(EventType.LOG, words)
    return replace(request, trials=USUAL_TRIALS)


def settled_proposer(request: EvolveRequest, settings: LlmSettings | None) -> ProposerChoice:
    """The proposer to use, never AUTO. Raises UsageError if an LLM is asked for and there is none."""
    asked = request.proposer
    if asked is ProposerChoice.RECIPES or (asked is ProposerChoice.AUTO and settings is None):
        return ProposerChoice.RECIPES
    if not STRATEGIES[request.strategy].llm:
        return ProposerChoice.RECIPES  # this strategy searches the fixed space of recipes by definition
    if settings is None:
        raise UsageError(
            f"--proposer {asked} needs an LLM endpoint; set EVOLVEREC_LLM_MODEL (and EVOLVEREC_LLM_BASE_URL, "
            "EVOLVEREC_LLM_KEY), or use --proposer recipes; `evolverec doctor` shows what is set"
        )
    return ProposerChoice.LLM if asked is ProposerChoice.AUTO else asked


def check_size(limits: Limits, expected: CostEstimate | None) -> None:
    """Raises UsageError if the limits cannot pay for a proposal that is verified, and by an LLM for three proposals."""
    if limits.trials is not None and limits.trials < LEAST_TRIALS:
        raise UsageError(
            f"--trials {limits.trials} is too small for a proposal and its verification; give at least {LEAST_TRIALS}"
        )
    if expected is None:
        return
    needed = expected.of(PROPOSALS_AT_LEAST)
    if limits.usd is not None and needed.usd > Decimal(str(limits.usd)):
        raise UsageError(
            f"--budget-usd {limits.usd:g} is too small for {PROPOSALS_AT_LEAST} proposals, which cost about "
            f"${needed.usd:.2f} by estimate; raise it, or use --proposer recipes"
        )
    if limits.tokens is not None and needed.tokens > limits.tokens:
        raise UsageError(
            f"--budget-tokens {limits.tokens} is too small for {PROPOSALS_AT_LEAST} proposals, which take about "
            f"{needed.tokens} by estimate; raise it, or use --proposer recipes"
        )


def expected_cost(laboratory: Laboratory, settings: LlmSettings, users: int) -> CostEstimate:
    """The estimated cost of LLM proposals for the user's program. users: how many the LLM plays."""
    program = laboratory.user_program()
    sources = laboratory.programs.sources(program, laboratory.config.recommender.editable)
    size = sum(len(text.encode("utf-8", "surrogateescape")) for text in sources.values())
    return estimate(settings, source_bytes=size, users=users)


def _say_before(laboratory: Laboratory, limits: Limits, expected: CostEstimate) -> None:
    each, first = expected.each, expected.first
    words = f"estimate: about {roughly(each.tokens, each.usd)} a proposal, {roughly(first.tokens, first.usd)} once"
    proposals = likely_proposals(limits, kept=FIRST)
    if proposals is not None:
        whole = expected.of(proposals)
        words += f", so about {roughly(whole.tokens, whole.usd)} for {count(proposals, 'proposal')}"
    limit = f"; the limit is ${limits.usd:g}" if limits.usd is not None else "; no limit in dollars is set"
    listed = laboratory.context.settings.llm.listed if laboratory.context.settings.llm else frozenset[str]()
    dated = f"; prices of {', '.join(sorted(listed))} by the list of {AS_OF}" if listed else ""
    laboratory.context.events.emit(EventType.LOG, words + limit + dated)


@dataclass(frozen=True, kw_only=True)
class _Endpoint:
    client: LlmClient
    search: SearchClient
    sources: LiteratureSettings


def _tools(
    laboratory: Laboratory,
    request: EvolveRequest,
    ledger: Ledger,
    endpoint: _Endpoint | None,
    stored: Run | None,
    expected: CostEstimate | None = None,
) -> Tools:
    directional = STRATEGIES[request.strategy].directional
    accepted = accepted_probes(laboratory, stored) if directional else ()
    return Tools(
        laboratory=laboratory,
        proposer=_proposer(laboratory, request, endpoint),
        coevolution=EvolvingProbes(laboratory, _author(laboratory, endpoint), accepted)
        if directional
        else NoCoEvolution(),
        accepted=tuple(spec.id for spec in accepted),
        ledger=ledger,
        expected=expected,
        interviewer=interviewer_of(endpoint.client, request.llm_users)
        if endpoint and directional and request.llm_users
        else None,
        llm=llm_document(endpoint.client.settings, endpoint.sources) if endpoint else {},
    )


def accepted_probes(laboratory: Laboratory, stored: Run | None) -> tuple[ProbeSpec, ...]:
    """The evolved probes that a run starts with: those that the user keeps in the repo, or those that the replayed run
    had.
    """
    if stored is None:
        return tuple(
            load_probes(laboratory.context.repo, consented=True)
        )  # a job starts only with the user's consent
    context = laboratory.context
    with context.store_lock:
        records = [context.store.probes(name) for name, since in stored.probes.items() if since == 0]
    return tuple(found[0].spec for found in records if found)


def _author(laboratory: Laboratory, endpoint: _Endpoint | None) -> Author | None:
    if endpoint is None:
        return None
    ask = TellingAsk(ask=endpoint.client.ask, events=laboratory.context.events)
    retrieve = retriever(laboratory, endpoint.sources, endpoint.search)
    return Author(ask=ask, model=endpoint.client.settings.model_of("probe-author"), retrieve=retrieve)


def _proposer(laboratory: Laboratory, request: EvolveRequest, endpoint: _Endpoint | None) -> Proposer:
    if STRATEGIES[request.strategy].choice is Choice.NUMBERS:
        return TuningProposer(laboratory)
    recipes = RecipeProposer(laboratory)
    if endpoint is None:
        return recipes
    client = endpoint.client
    ask = TellingAsk(ask=client.ask, events=laboratory.context.events)
    planner = Planner(
        laboratory=laboratory,
        ask=ask,
        retrieve=retriever(laboratory, endpoint.sources, endpoint.search),
        model=client.settings.model_of("planner"),
    )
    written = LlmProposer(laboratory, planner, ask)
    return BothProposers(written, recipes) if request.proposer is ProposerChoice.BOTH else written


def retriever(laboratory: Laboratory, sources: LiteratureSettings, search: SearchClient) -> Retrieve:
    """A function that searches the built-in library and the sources that the user's settings name; failures are
    logged.
    """
    context = laboratory.context
    answers = StoredAnswers(store=context.store, lock=context.store_lock)
    opened = open_recorded if search.replay else open_retriever
    asked = opened(sources, answers, web=search.search)

    def retrieve(queries: Sequence[str], codes: Sequence[str], limit: int) -> Sequence[Passage]:
        found = asked.retrieve(queries, codes, limit)
        for note in found.notes:
            laboratory.context.events.emit(EventType.LOG, f"literature: {note}")
        return found.passages

    return retrieve


def _llm(laboratory: Laboratory, stored: Run | None) -> LlmSettings | None:
    if stored is None:
        return laboratory.context.settings.llm
    return stored_llm(stored.llm) if stored.llm else None


def _sources(laboratory: Laboratory, stored: Run | None) -> LiteratureSettings:
    if stored is None:
        return laboratory.context.settings.literature
    return LiteratureSettings(sources=tuple(stored.llm.get("sources", ())))


def llm_document(settings: LlmSettings, sources: LiteratureSettings) -> dict[str, Any]:
    """The facts about an endpoint that a replay needs, without address and key."""
    return {
        "sources": list(sources.sources),
        "model": settings.model,
        "models": dict(settings.models),
        "efforts": dict(settings.efforts),
        "max_output_tokens": settings.max_output_tokens,
        "prices": {
            name: {"input": str(price.input), "output": str(price.output), "cached": str(price.cached)}
            for name, price in settings.prices.items()
        },
    }


def stored_llm(document: Mapping[str, Any]) -> LlmSettings:
    """The settings of a replay, from a run's `llm_document`; they have no usable address."""
    prices = {
        name: Price(**{kind: Decimal(value) for kind, value in price.items()})
        for name, price in document["prices"].items()
    }
    return LlmSettings(
        base_url=NOWHERE,
        key="",
        model=document["model"],
        models=document["models"],
        efforts=document["efforts"],
        max_output_tokens=document["max_output_tokens"],
        prices=prices,
    )
