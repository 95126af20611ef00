"""The list of all recipes."""

from evolution.recipes.category_embedding import CategoryEmbedding
from evolution.recipes.embedding_decay import EmbeddingDecay
from evolution.recipes.functional_dropout import FunctionalDropout
from evolution.recipes.gbce import GeneralisedBCE
from evolution.recipes.gradient_clipping import GradientClipping
from evolution.recipes.initial_scale import InitialScale
from evolution.recipes.item_dropout import ItemDropout
from evolution.recipes.mixed_negatives import MixedNegatives
from evolution.recipes.more_negatives import MoreNegatives
from evolution.recipes.recipe import Recipe
from evolution.recipes.sampled_softmax import SampledSoftmax
from evolution.recipes.shuffling import Shuffling
from evolution.recipes.softmax import FullSoftmax
from evolution.recipes.warmup import WarmUp

RECIPES: tuple[Recipe, ...] = (
    FullSoftmax(),
    FunctionalDropout(),
    GeneralisedBCE(),
    Shuffling(),
    SampledSoftmax(),
    MixedNegatives(),
    CategoryEmbedding(),
    EmbeddingDecay(),
    MoreNegatives(),
    InitialScale(),
    ItemDropout(),
    WarmUp(),
    GradientClipping(),
)
