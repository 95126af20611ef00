"""Estimates what a run with an LLM costs before anything is asked; a rule of thumb, and shown as one.

The sizes of prompts and answers are those of a recorded run (`tests/llm/recorded`), in our own count of tokens, which is on
the high side; code is counted anew. Reasoning that an endpoint bills as output comes on top, and is not known before.
"""

from dataclasses import dataclass
from decimal import Decimal

from evolution.domain.limits import Limits
from evolution.llm.budget import Charge
from evolution.llm.settings import LlmSettings
from evolution.llm.usage import Usage, charge, tokens_of

# Tokens of one exchange: what is sent beside the repo's code, and the answer.
QUERIES, QUERIES_ANSWER = 1_200, 100
PLAN, PLAN_ANSWER = 7_000, 1_700
LOOK, LOOK_ANSWER = 3_000, 300
CODE, CODE_ANSWER = 3_000, 1_000
DEBUG, DEBUG_ANSWER = 4_000, 400
INTERVIEW, INTERVIEW_ANSWER = 2_350, 450  # one user and page
CHOICE, CHOICE_ANSWER = 1_250, 20  # one user's choice
EXPLAINED_BYTES = 24_000  # of code with a finding
EXPLAIN_RULES, EXPLAIN_ANSWER = 1_500, 500  # instructions; of an answer
ADAPTER_RULES, ADAPTER_ANSWER = 5_000, 1_200  # instructions, kit and drafts; of an answer

# How often a proposal needs them.
PLANS = 0.5  # a plan serves the first drafts together, and later proposals as long as ideas are left
LOOKS = 0.3
DEBUGS = 0.5
HEARD = 0.25  # proposals whose pages users are shown: those that are built on
PROPOSALS_AT_LEAST = 3  # proposals that a run's limits must be able to pay for


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """An estimate for a run.

    first: for what a run needs once: users that an LLM plays are met and shown the user's own version, and a plan is made.
    each: for one proposal.
    """

    first: Charge
    each: Charge

    def of(self, proposals: int) -> Charge:
        """The estimated cost of so many proposals."""
        total = self.first
        for _ in range(proposals):
            total += self.each
        return total


def estimate(settings: LlmSettings, *, source_bytes: int, users: int) -> CostEstimate:
    """The estimate for a repo.

    source_bytes: of the files that may be edited.
    users: how many an LLM plays.
    """
    code = tokens_of(source_bytes)
    looking_up = _cost(settings, "researcher", QUERIES, QUERIES_ANSWER)
    planning = looking_up + _cost(settings, "planner", PLAN + code, PLAN_ANSWER)
    each = _share(PLANS, planning)
    each += _share(LOOKS, _cost(settings, "planner", LOOK + code, LOOK_ANSWER))
    each += _cost(settings, "coder", CODE + code, CODE_ANSWER)
    each += _share(DEBUGS, _cost(settings, "debugger", DEBUG + code, DEBUG_ANSWER))
    each += _share(HEARD, pages(settings, users))
    return CostEstimate(first=interviews(settings, users) + _share(PLANS, planning), each=each)


def likely_proposals(limits: Limits, *, kept: int) -> int | None:
    """How many proposals a limit of trials buys, None without one. kept: trials that verifying the best takes."""
    return None if limits.trials is None else max(1, limits.trials - kept)


def interviews(settings: LlmSettings, users: int) -> Charge:
    """The cost of asking so many new users once; each makes a choice, and judges a control page and the page itself."""
    page = pages(settings, users)
    return page + page + _cost(settings, "persona", users * CHOICE, users * CHOICE_ANSWER)


def pages(settings: LlmSettings, users: int) -> Charge:
    """The cost of showing so many users a page each."""
    return _cost(settings, "persona", users * INTERVIEW, users * INTERVIEW_ANSWER)


def adapting(settings: LlmSettings, *, source_bytes: int, answers: int) -> Charge:
    """The cost of so many answers that complete an adapter."""
    sent = tokens_of(source_bytes) + ADAPTER_RULES
    return _cost(settings, "coder", answers * sent, answers * ADAPTER_ANSWER)


def explaining(settings: LlmSettings, *, source_bytes: int) -> Charge:
    """The cost of one answer on a finding. source_bytes: of the code, of which at most EXPLAINED_BYTES are sent."""
    return _cost(
        settings, "analyst", tokens_of(min(source_bytes, EXPLAINED_BYTES)) + EXPLAIN_RULES, EXPLAIN_ANSWER
    )


def _cost(settings: LlmSettings, role: str, sent: int, answered: int) -> Charge:
    return charge(Usage(input=sent, output=answered), settings.prices.get(settings.model_of(role)))


def _share(part: float, whole: Charge) -> Charge:
    return Charge(usd=whole.usd * Decimal(str(part)), tokens=round(whole.tokens * part))
