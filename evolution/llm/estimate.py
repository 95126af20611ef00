"""Estimates what a proposal by an LLM costs before anything is asked; a rule of thumb, and shown as one.

Tokens of code are counted as everywhere in the client; answers are taken at the lengths that the schemas ask for.
Reasoning that an endpoint bills as output comes on top, and is not known before.
"""

from dataclasses import dataclass

from evolution.llm.budget import Charge
from evolution.llm.settings import LlmSettings
from evolution.llm.usage import Usage, charge, tokens_of

RULES = 1_500  # tokens of instructions and feedback in a prompt
PLANS, PLAN_ANSWER = (
    1.5,
    1_800,
)  # exchanges a proposal (queries, report, reflection for two), and tokens of an answer
CODES, CODE_ANSWER = 2, 1_200  # exchanges (code, one repair), and tokens of an answer
ADAPTER_RULES, ADAPTER_ANSWER = 5_000, 1_200  # tokens of instructions, kit and drafts; of an answer
INTERVIEW, INTERVIEW_ANSWER = (
    2_500,
    800,
)  # tokens for one user and page; with a history a prompt had 7,400 characters
CHOICE, CHOICE_ANSWER = 1_600, 100  # tokens for one user's choice; such a prompt had 4,700 characters
EXPLAINED_BYTES, EXPLAIN_ANSWER = 24_000, 500  # of code with a finding; tokens of an answer
HEARD = 0.5  # share of proposals whose pages users are shown: those that lead, or are built on
PROPOSALS_AT_LEAST = 3  # proposals that a run's limits must be able to pay for


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """An estimate for a run.

    first: for the exchanges that a run needs once, which measure how far LLM-played users can be trusted.
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
    code = tokens_of(source_bytes) + RULES
    planning = _cost(settings, "planner", int(PLANS * code), int(PLANS * PLAN_ANSWER))
    coding = _cost(settings, "coder", CODES * code, CODES * CODE_ANSWER)
    heard = _cost(settings, "persona", int(HEARD * users * INTERVIEW), int(HEARD * users * INTERVIEW_ANSWER))
    return CostEstimate(first=interviews(settings, users), each=planning + coding + heard)


def interviews(settings: LlmSettings, users: int) -> Charge:
    """The cost of asking so many new users once; each makes a choice, and judges a control page and the page itself."""
    page = _cost(settings, "persona", users * INTERVIEW, users * INTERVIEW_ANSWER)
    return page + page + _cost(settings, "persona", users * CHOICE, users * CHOICE_ANSWER)


def adapting(settings: LlmSettings, *, source_bytes: int, answers: int) -> Charge:
    """The cost of so many answers that complete an adapter."""
    sent = tokens_of(source_bytes) + ADAPTER_RULES
    return _cost(settings, "coder", answers * sent, answers * ADAPTER_ANSWER)


def explaining(settings: LlmSettings, *, source_bytes: int) -> Charge:
    """The cost of one answer on a finding. source_bytes: of the code, of which at most EXPLAINED_BYTES are sent."""
    return _cost(settings, "analyst", tokens_of(min(source_bytes, EXPLAINED_BYTES)) + RULES, EXPLAIN_ANSWER)


def _cost(settings: LlmSettings, role: str, sent: int, answered: int) -> Charge:
    return charge(Usage(input=sent, output=answered), settings.prices.get(settings.model_of(role)))
