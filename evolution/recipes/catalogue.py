"""The list of all recipes."""

from evolution.domain.proposal import Idea
from evolution.recipes.category_embedding import CategoryEmbedding
from evolution.recipes.embedding_decay import EmbeddingDecay
from evolution.recipes.faster_learning import FasterLearning
from evolution.recipes.functional_dropout import FunctionalDropout
from evolution.recipes.gbce import GeneralisedBCE
from evolution.recipes.gradient_clipping import GradientClipping
from evolution.recipes.initial_scale import InitialScale
from evolution.recipes.item_dropout import ItemDropout
from evolution.recipes.label_smoothing import LabelSmoothing
from evolution.recipes.mixed_negatives import MixedNegatives
from evolution.recipes.more_negatives import MoreNegatives
from evolution.recipes.newest_event import NewestEvent
from evolution.recipes.recipe import Recipe
from evolution.recipes.repairs.catalogue import REPAIRS
from evolution.recipes.sampled_softmax import SampledSoftmax
from evolution.recipes.shuffling import Shuffling
from evolution.recipes.softmax import FullSoftmax
from evolution.recipes.stronger_penalty import StrongerPenalty
from evolution.recipes.warmup import WarmUp
from evolution.recipes.weight_averaging import WeightAveraging
from evolution.recipes.weight_decay import WeightDecay
from evolution.recipes.wider_vectors import WiderVectors

RECIPES: tuple[Recipe, ...] = (
    *REPAIRS,
    FullSoftmax(),
    FunctionalDropout(),
    GeneralisedBCE(),
    Shuffling(),
    SampledSoftmax(),
    MixedNegatives(),
    LabelSmoothing(),
    CategoryEmbedding(),
    NewestEvent(),
    WiderVectors(),
    WeightAveraging(),
    WeightDecay(),
    StrongerPenalty(),
    EmbeddingDecay(),
    FasterLearning(),
    MoreNegatives(),
    InitialScale(),
    ItemDropout(),
    WarmUp(),
    GradientClipping(),
)
# Recipes that mend a cause: they are verified by its being gone, also where no figure moves.
MENDING = frozenset({"functional-dropout", "shuffling", *(repair.code for repair in REPAIRS)})
# Of these, those that leave training and scores as they are: verified where that is seen, and the rules find their cause no more.
UNFELT = frozenset(repair.code for repair in REPAIRS if repair.leaves_figures)


def mends(idea: Idea) -> bool:
    """Whether an idea is a repair, or several."""
    return not idea.by_llm and set(idea.code.split("+")) <= MENDING


def leaves_figures(idea: Idea) -> bool:
    """Whether an idea is a repair, or several, after which training and scores should be the same to the bit."""
    return not idea.by_llm and set(idea.code.split("+")) <= UNFELT
