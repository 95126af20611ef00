"""Kinds of findings from questions to the trained model; evolution/trials/asking_trained.py asks them.

Where an answer alone cannot tell the line, the kind stands at the entry: the lines that compute the scores are innocent when
the loss, the sampler or the ids are at fault.

`state-carried` is asked before the training too.
"""

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.symptoms import WEAK

ALIKE = ("popularity-bias", "exposure-concentration", "same-list")

ASKED = (
    FindingKind(
        code="state-carried",
        found_by=FoundBy.CONTRACT,
        title="State carried from call to call",
        why="An answer that depends on who was asked before is not the user's own, and no figure can be repeated.",
        definition="The answer to one batch before and after another batch, with the same random seed; and the attributes "
        "that differ afterwards.",
        roles=(Role.SCORING,),
        explains=("scores-differ-from-training", "figures-disagree", *WEAK),
    ),
    FindingKind(
        code="scores-frozen",
        found_by=FoundBy.CONTRACT,
        title="Scores from before the training",
        why="Whatever was learnt does not reach the scores.",
        definition="The answers to one batch before and after training, equal for every user; or a table that scoring reads and "
        "that stays while weights move over two epochs: a kept answer, a copy, an average that hardly follows.",
        roles=(Role.ENTRY,),
        explains=("not-learning", "untrained-rows", "state-restored", *WEAK),
    ),
    FindingKind(
        code="table-not-served",
        found_by=FoundBy.CONTRACT,
        title="A learned table is not served",
        why="What is ranked is not what was learned: the updates are about other scores.",
        definition="Tables of a training without torch that two epochs move, and whose rows can be mixed up without any score changing, while those of "
        "other tables cannot.",
        roles=(Role.ENTRY,),
        explains=("order-ignored", *ALIKE, *WEAK),
    ),
    FindingKind(
        code="tables-shrink",
        found_by=FoundBy.CONTRACT,
        title="What is learned is shrunk away",
        why="Regularisation that outweighs the gradient keeps all factors near zero, where all users get the same list.",
        definition="Length of the tables of a training without torch after two epochs relative to their initial one; at most a fifth, of all that have "
        "several columns.",
        roles=(Role.ENTRY,),
        explains=("not-learning", *ALIKE, *WEAK),
    ),
    FindingKind(
        code="update-backwards",
        found_by=FoundBy.CONTRACT,
        title="An update points the wrong way",
        why="Each step lowers what users chose: a sign is wrong, or positives and negatives are exchanged.",
        definition="Rise of chosen items above others, in standard errors over rows, where the trained values of one table are put into an untrained "
        "recommender; of trainings without torch.",
        roles=(Role.ENTRY,),
        explains=("scores-inverted", "not-learning", "popularity-reversed", *ALIKE, *WEAK),
    ),
    FindingKind(
        code="history-window",
        found_by=FoundBy.CONTRACT,
        title="Scoring reads less than training",
        why="Events that training learns from are lost while scoring.",
        definition="The oldest place of a long history whose exchange moves a score, beside the number of events that a "
        "training step looks up on the same line; at most half of it.",
        roles=(Role.SCORING,),
        explains=("scores-differ-from-training", "order-ignored", *WEAK),
    ),
    FindingKind(
        code="history-holes",
        found_by=FoundBy.CONTRACT,
        title="Events skipped",
        why="Some events of a history count for nothing, whatever they are.",
        definition="Places of a long history whose exchange moves no score, between two neighbours that move it.",
        roles=(Role.SCORING,),
        explains=("scores-differ-from-training", "order-ignored", *WEAK),
    ),
    FindingKind(
        code="input-ignored",
        found_by=FoundBy.CONTRACT,
        title="What is trained on is not asked",
        why="Training learns from histories or users that scoring does not look at.",
        definition="Scores of the same rows with other users and other histories, equal to the last digit, where a training "
        "step encodes histories or updates a table of users.",
        roles=(Role.SCORING,),
        explains=("scores-differ-from-training", "order-ignored", *ALIKE, *WEAK),
    ),
    FindingKind(
        code="time-reversed",
        found_by=FoundBy.CONTRACT,
        title="Time read backwards",
        why="The model takes the oldest event for the newest.",
        definition="Mean of 1 / log2(1 + rank of the target) over users, with histories as they are and in reverse: higher "
        "in reverse by 3 standard errors and a tenth, in a log whose newest events tell more than its oldest.",
        roles=(Role.SCORING,),
        explains=("scores-differ-from-training", "order-ignored", *WEAK),
    ),
    FindingKind(
        code="user-shifted",
        found_by=FoundBy.CONTRACT,
        title="Another user's scores",
        why="Each user gets what was learnt of a neighbour.",
        definition="Mean score of a user's training events, in standard deviations and without what all users share, under "
        "his own id and those beside it.",
        roles=(Role.ENTRY,),
        explains=("scores-differ-from-training", *WEAK),
    ),
    FindingKind(
        code="items-shifted",
        found_by=FoundBy.CONTRACT,
        title="Columns off by one",
        why="Each score is that of the item beside it.",
        definition="Mean score of what users chose, in standard deviations and without what all users share, in its own "
        "column and in those beside it.",
        roles=(Role.ENTRY,),
        explains=("scores-differ-from-training", *WEAK),
    ),
    FindingKind(
        code="scores-inverted",
        found_by=FoundBy.CONTRACT,
        title="Best items last",
        why="Low scores mean good items, and the ranking takes the high ones.",
        definition="Mean share of unseen items that score below the target: .5 is chance, under .42 by 6 standard errors.",
        roles=(Role.ENTRY,),
        explains=WEAK,
    ),
    FindingKind(
        code="scores-tied",
        found_by=FoundBy.CONTRACT,
        title="Best items tied",
        why="Many items share the best score, so a list is drawn by lot.",
        definition="Share of users whose best score belongs to at least ten items and a hundredth of the catalogue.",
        roles=(Role.SCORING,),
        explains=WEAK,
    ),
    FindingKind(
        code="padding-ranked",
        found_by=FoundBy.CONTRACT,
        title="Padding predicted",
        why="The model was trained to predict padding, which takes the place of what it should learn.",
        definition="Share of users for whom column 0, as the model itself scores it, is above every item, and training raised it.",
        roles=(Role.LOSS, Role.SCORING),
        explains=WEAK,
    ),
)
