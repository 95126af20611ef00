"""The list of all repairs."""

from evolution.recipes.repairs.activation import ACTIVATED
from evolution.recipes.repairs.batched_draws import BATCHED
from evolution.recipes.repairs.fixed_candidates import SAME_CANDIDATES
from evolution.recipes.repairs.gradients import CLEARED, CONNECTED, DETACHED, THAWED
from evolution.recipes.repairs.kept_results import ADDED, IN_DOUBLE, KEPT, REDRAWN
from evolution.recipes.repairs.logits import RIGHT_AXIS, UNSQUASHED, WITHOUT_PADDING
from evolution.recipes.repairs.loss_reads import SUMMED_AS_TENSOR
from evolution.recipes.repairs.marks import (
    MASK_TURNED,
    MASKED_WHOLLY,
    OTHER_PART,
    SHARE_DROPPED,
    STILL_A_PARAMETER,
    UNLIKE,
)
from evolution.recipes.repairs.numbers import USUAL_LEARNING_RATE, USUAL_START, USUAL_WEIGHT_DECAY
from evolution.recipes.repairs.order_of_steps import (
    CALLED,
    CLIPPED,
    COPIED,
    MADE_ONCE,
    SEEDED_ONCE,
    TRAINING_AGAIN,
)
from evolution.recipes.repairs.padding_hidden import PADDING_HIDDEN
from evolution.recipes.repairs.ranking import BEST_FIRST, TO_K
from evolution.recipes.repairs.repair import Repair
from evolution.recipes.repairs.schedules import EACH_EPOCH, STEPPED
from evolution.recipes.repairs.scoring import EVALUATING, NEWEST, TOLD_WHEN, WITHOUT_GRADIENTS
from evolution.recipes.repairs.terms import (
    DIVIDED,
    NEGATED,
    OF_SCORES,
    TURNED,
    UNDIVIDED,
    WITH_GRADIENT,
    WITHOUT_ITSELF,
)
from evolution.recipes.repairs.trained_parameters import ALL_GIVEN, REGISTERED
from evolution.recipes.repairs.users_by_events import BY_EVENTS

REPAIRS: tuple[Repair, ...] = (
    CLEARED,
    ALL_GIVEN,
    REGISTERED,
    CONNECTED,
    THAWED,
    UNSQUASHED,
    RIGHT_AXIS,
    PADDING_HIDDEN,
    WITHOUT_PADDING,
    USUAL_LEARNING_RATE,
    USUAL_WEIGHT_DECAY,
    USUAL_START,
    NEWEST,
    EVALUATING,
    TOLD_WHEN,
    WITHOUT_GRADIENTS,
    DETACHED,
    ACTIVATED,
    STILL_A_PARAMETER,
    UNLIKE,
    NEGATED,
    UNDIVIDED,
    TURNED,
    OF_SCORES,
    DIVIDED,
    WITH_GRADIENT,
    WITHOUT_ITSELF,
    CLIPPED,
    MADE_ONCE,
    TRAINING_AGAIN,
    CALLED,
    COPIED,
    SEEDED_ONCE,
    EACH_EPOCH,
    STEPPED,
    MASKED_WHOLLY,
    MASK_TURNED,
    OTHER_PART,
    SHARE_DROPPED,
    KEPT,
    ADDED,
    REDRAWN,
    IN_DOUBLE,
    BEST_FIRST,
    TO_K,
    BY_EVENTS,
    BATCHED,
    SAME_CANDIDATES,
    SUMMED_AS_TENSOR,
)
