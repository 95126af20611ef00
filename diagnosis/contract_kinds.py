"""Kinds of findings from the checks of `score`'s contract; evolution/trials/contract.py runs the checks."""

from diagnosis.asked_kinds import ASKED
from diagnosis.findings import FindingKind, FoundBy, Nature, Role
from diagnosis.symptoms import UNORDERED, WEAK

ONE_BATCH = "Scores of one batch of real questions, asked before training in two ways that must agree."

KINDS = (
    FindingKind(
        code="score-shape",
        found_by=FoundBy.CONTRACT,
        title="Shape of scores",
        why="Scores without one column per item and one for padding cannot be ranked.",
        definition="The shape of `score`'s answer: (B, n_items + 1).",
        roles=(Role.SCORING,),
    ),
    FindingKind(
        code="same-answer-twice",
        found_by=FoundBy.CONTRACT,
        title="Two answers to one question",
        why="Random numbers that are drawn while scoring make every figure a matter of luck; dropout at evaluation does this.",
        definition=ONE_BATCH,
        roles=(Role.DROPOUT, Role.SCORING),
        explains=("figures-disagree", "same-seed", "scores-differ-from-training", *WEAK),
    ),
    FindingKind(
        code="scores-in-training-mode",
        found_by=FoundBy.CONTRACT,
        title="Scored in training mode",
        why="Whoever asks for scores after an epoch gets those of a model that drops a part of itself at random.",
        definition=ONE_BATCH,
        roles=(Role.SCORING,),
    ),
    FindingKind(
        code="batch-companions",
        found_by=FoundBy.CONTRACT,
        title="Scores depend on the batch",
        why="What a user is shown must not depend on who else is asked for at the same time.",
        definition=ONE_BATCH,
        roles=(Role.NORMALIZATION, Role.SCORING),
        explains=("figures-disagree", "scores-differ-from-training", *WEAK),
    ),
    FindingKind(
        code="more-padding",
        found_by=FoundBy.CONTRACT,
        title="Padding changes scores",
        why="Padding is attended to, so a history means something else beside a longer one.",
        definition=ONE_BATCH,
        roles=(Role.POSITION_TABLE, Role.ENCODER, Role.SCORING),
        explains=("figures-disagree", "scores-differ-from-training", *WEAK),
    ),
    FindingKind(
        code="newest-kept",
        found_by=FoundBy.CONTRACT,
        title="Newest event lost",
        why="Of a history that is too long the oldest part is kept: the model answers for the past.",
        definition="A full-length history with its newest event changed must change the scores.",
        roles=(Role.SCORING,),
        explains=("order-ignored", "scores-differ-from-training", *UNORDERED, *WEAK),
    ),
    FindingKind(
        code="id-round-trip",
        found_by=FoundBy.CONTRACT,
        title="Ids off by one",
        why="The first or last item is taken for padding or for its neighbour.",
        definition="Histories of a single first or last item, against padding and neighbouring ids.",
        roles=(Role.ITEM_TABLE, Role.SCORING),
        explains=("untrained-rows", "scores-differ-from-training", *WEAK),
    ),
    FindingKind(
        code="ids-as-trained",
        found_by=FoundBy.CONTRACT,
        title="Another numbering than the program's",
        why="The adapter's ids are not those of the program: each item is asked and scored as another one.",
        definition="Share of the rows of ids that the first training steps look up in which all are items of one user, or of pairs of user and item "
        "that are events, by the adapter's numbering and by others: another one fits, and the adapter's hardly better than chance.",
        roles=(Role.ENTRY, Role.ITEM_TABLE),
        explains=(
            "id-round-trip",
            "items-shifted",
            "user-shifted",
            "untrained-rows",
            "scores-differ-from-training",
            *WEAK,
        ),
    ),
    FindingKind(
        code="state-restored",
        found_by=FoundBy.CONTRACT,
        title="State not restored",
        why="The best epoch is kept as state; a model that answers differently after loading it was not kept.",
        definition="The answer to one batch before the state is saved, and of a fresh model that loads it: as built, and once trained.",
        roles=(Role.ENTRY,),
        explains=("figures-disagree", *WEAK),
    ),
    FindingKind(
        code="embeddings-as-scored",
        found_by=FoundBy.CONTRACT,
        title="Embeddings that do not score",
        why="What is measured on item embeddings says nothing of a model that scores by something else.",
        definition="How well scores are fitted by the item embeddings, against the same table with its rows exchanged.",
        nature=Nature.ADVICE,  # what is offered for measuring ranks nobody; a model that learnt nothing fails this too
    ),
    FindingKind(
        code="same-seed",
        found_by=FoundBy.CONTRACT,
        title="Same seed, other model",
        why="A change cannot be told from luck if the same seed does not give the same start.",
        definition="The answers of two models that are built with the same seed, before training.",
        roles=(Role.INITIALIZATION, Role.ENTRY),
    ),
    FindingKind(
        code="wishes-unheard",
        found_by=FoundBy.CONTRACT,
        title="Users are not heard",
        why="Who has seen enough of a kind of thing says so, and the model offers no way to be told.",
        definition="Whole sessions of simulated users, as they are, against those with lists that put last what each has asked to be spared: "
        "Satisfy (1 to 10) and pages, each user against himself.",
        nature=Nature.ADVICE,
        roles=(Role.ENTRY,),
    ),
    *ASKED,
)
_BY_CODE = {kind.code: kind for kind in KINDS}


def contract_kind(code: str) -> FindingKind:
    """The kind of a contract check; for a code that is not in KINDS, a general kind at the lines that make the scores."""
    return _BY_CODE.get(code) or FindingKind(
        code=code,
        found_by=FoundBy.CONTRACT,
        title=code.replace("-", " ").capitalize(),
        why="The contract of `score` is not kept, so no figure of this model can be trusted.",
        definition="A check of one batch before training.",
        roles=(Role.SCORING,),
    )
