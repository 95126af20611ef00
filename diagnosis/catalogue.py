"""What every code means: its title, why it matters, how it is measured, and which lines it points at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnosis.findings import Role


@dataclass(frozen=True, kw_only=True)
class Entry:
    """roles: where a finding stands, in order of preference; the first that the repo has is taken."""

    title: str
    why: str
    definition: str
    roles: tuple[Role, ...]


_TABLE = (Role.ITEM_TABLE, Role.INITIALIZATION)
_LOSS = (Role.LOSS, Role.NEGATIVES)

CATALOGUE: dict[str, Entry] = {
    "embedding-collapse": Entry(
        title="Embedding collapse",
        why="Items that share a few directions cannot be told apart, however wide the table is.",
        definition="RankMe of the centred item embeddings (exp of the entropy of the singular values' shares) "
        "and their mean absolute pairwise cosine, beside the model before training.",
        roles=_TABLE,
    ),
    "ranking-margin": Entry(
        title="Ranking margin",
        why="What users really choose next scores below what they do not choose more often than counting would.",
        definition="Share of unseen items that score above the validation target, mean over users.",
        roles=_LOSS,
    ),
    "weaker-than-popularity": Entry(
        title="Weaker than popularity",
        why="Showing everyone the most popular items is better and costs nothing.",
        definition="Full-ranking NDCG@10 against the popularity ranker on the same users, paired bootstrap.",
        roles=_LOSS,
    ),
    "weaker-than-markov": Entry(
        title="Weaker than Markov",
        why="Counting which item follows which is better: the model misses what the last event says.",
        definition="Full-ranking NDCG@10 against a first-order Markov ranker on the same users, paired bootstrap.",
        roles=_LOSS,
    ),
    "weaker-than-ease": Entry(
        title="Weaker than EASE",
        why="A linear item-to-item model is better: the model misses which items go together.",
        definition="Full-ranking NDCG@10 against EASE on the same users, paired bootstrap.",
        roles=_LOSS,
    ),
    "popularity-bias": Entry(
        title="Popularity bias",
        why="The lists are nearer to the bestsellers than to what these users choose.",
        definition="Popularity (share of training events on less popular items) of the top 10, "
        "beside that of the real next choice and of the popularity ranker.",
        roles=_LOSS,
    ),
    "popularity-reversed": Entry(
        title="Popularity reversed",
        why="The lists avoid what is popular more than users do; sampled negatives without a correction do this.",
        definition="Popularity of the top 10, beside that of the real next choice and of items at random.",
        roles=(Role.NEGATIVES, Role.LOSS),
    ),
    "exposure-concentration": Entry(
        title="Exposure concentration",
        why="A few items take most places, so most of the catalogue is never shown.",
        definition="Gini of how often each item is in a top 10, beside training events and reference rankers.",
        roles=_LOSS,
    ),
    "order-ignored": Entry(
        title="Order ignored",
        why="The order of events says what comes next in this data, and the model does not use it.",
        definition="NDCG@10 lost when histories are shuffled, beside what a Markov ranker loses.",
        roles=(Role.POSITION_TABLE, Role.ENCODER, Role.CAUSAL_MASK),
    ),
    "overconfidence": Entry(
        title="Overconfidence",
        why="A model trained on too few negatives is sure of everything near the top and cannot order it.",
        definition="Mean probability of the top item (sigmoid or softmax, as trained) minus its precision.",
        roles=_LOSS,
    ),
    "same-list": Entry(
        title="Same list for everyone",
        why="The user's history hardly matters for what is shown.",
        definition="Mean share of a user's top 10 that another user sees too, beside the reference rankers.",
        roles=(Role.ENCODER, Role.SCORING, Role.LOSS),
    ),
    "untrained-rows": Entry(
        title="Untrained rows",
        why="Items whose row was never trained are ranked by the random numbers they were initialised with.",
        definition="Share of list places that go to items whose embedding is the same before and after training.",
        roles=(Role.ITEM_TABLE, Role.NEGATIVES),
    ),
    "not-learning": Entry(
        title="Not learning",
        why="The training loss does not fall: the model stays as it was initialised, or diverges.",
        definition="Lowest reported training loss relative to the first epoch's.",
        roles=(Role.OPTIMIZER, Role.LOSS),
    ),
    "not-converged": Entry(
        title="Not converged",
        why="The model was still improving when training ended; more epochs are free accuracy.",
        definition="Position of the best validation epoch among those ranked.",
        roles=(Role.OPTIMIZER,),
    ),
    "no-shuffle": Entry(
        title="No shuffle",
        why="Every epoch sees the same batches in the same order, and the last ones weigh most.",
        definition="A training loop over batches whose order is never permuted (static).",
        roles=(Role.LOADER,),
    ),
    "functional-dropout": Entry(
        title="Dropout at evaluation",
        why="F.dropout drops units in evaluation too unless it is told `training=`, so scores are random.",
        definition="A call of torch.nn.functional.dropout without `training` (static).",
        roles=(Role.DROPOUT,),
    ),
    "host-device-traffic": Entry(
        title="Host-device traffic",
        why="Every read of a value waits for the device, and every copy of a Python list crosses the bus.",
        definition="`.item()`, `.cpu()`, `.numpy()`, `.tolist()`, or tensors made of Python lists, "
        "in the loop that steps the optimizer (static).",
        roles=(Role.LOADER,),
    ),
    "python-loop-sampling": Entry(
        title="Negatives drawn in a Python loop",
        why="One draw at a time in Python is an order of magnitude slower than one vectorised call.",
        definition="A `while` or `for` loop that draws single random items and tests them for membership (static).",
        roles=(Role.NEGATIVES,),
    ),
    "grad-at-evaluation": Entry(
        title="Gradients kept at evaluation",
        why="Without no_grad every score keeps its graph: memory and time are spent for nothing.",
        definition="A function that calls `.eval()` and ranks without `no_grad` or `inference_mode` (static).",
        roles=(Role.SCORING,),
    ),
    "selected-on-test": Entry(
        title="Model selected on test",
        why="Keeping the epoch that is best on test makes the test figure a training figure.",
        definition="A test metric in the condition under which the model is saved (static).",
        roles=(Role.ENTRY,),
    ),
}

_ONE_BATCH = "Scores of one batch of real questions, asked before training in two ways that must agree."

CONTRACT: dict[str, Entry] = {
    "score-shape": Entry(
        title="Shape of scores",
        why="Scores without one column per item and one for padding cannot be ranked.",
        definition="The shape of `score`'s answer: (B, n_items + 1).",
        roles=(Role.SCORING,),
    ),
    "same-answer-twice": Entry(
        title="Two answers to one question",
        why="Scores that change from call to call make every figure a matter of luck; dropout at evaluation does this.",
        definition=_ONE_BATCH,
        roles=(Role.DROPOUT, Role.SCORING),
    ),
    "batch-companions": Entry(
        title="Scores depend on the batch",
        why="What a user is shown must not depend on who else is asked for at the same time.",
        definition=_ONE_BATCH,
        roles=(Role.NORMALIZATION, Role.SCORING),
    ),
    "more-padding": Entry(
        title="Padding changes scores",
        why="Padding is attended to, so a history means something else beside a longer one.",
        definition=_ONE_BATCH,
        roles=(Role.POSITION_TABLE, Role.ENCODER, Role.SCORING),
    ),
    "newest-kept": Entry(
        title="Newest event lost",
        why="Of a history that is too long the oldest part is kept: the model answers for the past.",
        definition="A full-length history with its newest event changed must change the scores.",
        roles=(Role.SCORING,),
    ),
    "id-round-trip": Entry(
        title="Ids off by one",
        why="The first or last item is taken for padding or for its neighbour.",
        definition="Histories of a single first or last item, against padding and neighbouring ids.",
        roles=(Role.ITEM_TABLE, Role.SCORING),
    ),
    "state-restored": Entry(
        title="State not restored",
        why="The best epoch is kept as state; a model that answers differently after loading it was not kept.",
        definition="The answer to one batch before the state is saved, and of a fresh model that loads it.",
        roles=(Role.ENTRY,),
    ),
    "same-seed": Entry(
        title="Same seed, other model",
        why="A change cannot be told from luck if the same seed does not give the same start.",
        definition="The answers of two models that are built with the same seed, before training.",
        roles=(Role.INITIALIZATION, Role.ENTRY),
    ),
}


EVOLVED = "evolved-"
# Which part of the code decides about a signal, in order of preference.
ROLES_OF_SIGNAL: Mapping[str, tuple[Role, ...]] = {
    "popularity": (Role.NEGATIVES, Role.LOSS, Role.SCORING),
    "sequence": (Role.ENCODER, Role.POSITION_TABLE, Role.LOSS),
    "category": (Role.ITEM_TABLE, Role.ENCODER),
    "price": (Role.ITEM_TABLE, Role.ENCODER),
    "store": (Role.ITEM_TABLE, Role.ENCODER),
    "recency": (Role.POSITION_TABLE, Role.ENCODER),
    "repetition": (Role.SCORING,),
    "variety": (Role.SCORING, Role.LOSS),
    "quality": (Role.ITEM_TABLE, Role.LOSS),
}


def entry(code: str, details: Mapping[str, Any] | None = None) -> Entry:
    """What is known of a code; one that is listed nowhere is taken for a contract check and stands at the scores.

    details: of the measurement; an evolved probe brings with it what the catalogue cannot know.
    """
    known = CATALOGUE.get(code) or CONTRACT.get(code)
    if known is not None:
        return known
    if code.startswith(EVOLVED):
        return _evolved_entry(code, details or {})
    return Entry(
        title=code.replace("-", " ").capitalize(),
        why="The contract of `score` is not kept, so no figure of this model can be trusted.",
        definition="A check of one batch before training.",
        roles=(Role.SCORING,),
    )


def _evolved_entry(code: str, details: Mapping[str, Any]) -> Entry:
    complaint = str(details.get("complaint", ""))
    return Entry(
        title=code.removeprefix(EVOLVED).replace("-", " ").capitalize(),
        why=f"Users complain of this ({complaint}), and the measurement bears them out."
        if complaint
        else "Users complain of this, and the measurement bears them out.",
        definition=str(details.get("definition", "A probe that was written while the model evolved.")),
        roles=ROLES_OF_SIGNAL.get(str(details.get("signal", "")), (Role.ENTRY,)),
    )
