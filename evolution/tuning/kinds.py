"""The role of a number by its name, in the field's usual words: what kind it is, or why it is not tuned."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A role that is tuned, in the order in which the roles usually matter."""

    LEARNING_RATE = "learning rate"
    DROPOUT = "dropout"
    KEPT = "share kept by dropout"
    WEIGHT_DECAY = "weight decay"
    NEGATIVES = "number of negatives"
    TEMPERATURE = "temperature"
    BATCH_SIZE = "batch size"
    WIDTH = "width"
    LAYERS = "number of layers"
    MASKED = "share of masked items"
    MARGIN = "margin"
    SMOOTHING = "label smoothing"
    INITIAL_SCALE = "initial scale"
    CLIPPING = "gradient clipping"
    INNER_WIDTH = "inner width"
    HEADS = "number of heads"
    MOMENTUM = "momentum"


@dataclass(frozen=True, kw_only=True)
class _Left:
    """Numbers that are not tuned. words: any of these among the words of a name; parts: any of these within the joined name."""

    why: str
    words: frozenset[str]
    parts: tuple[str, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVALUATION = "it belongs to the evaluation, which evolverec owns"
LENGTH_OF_TRAINING = "[training] of evolverec.toml decides how long a training is"
UNKNOWN = "its name does not tell its role"

_LEFT = (
    _Left(why="a seed is no setting", words=_words("seed seeds"), parts=("seed",)),
    _Left(
        why=EVALUATION,
        words=_words(
            "eval evaluate evaluation evaluating test tests testing valid validation val dev infer inference predict "
            "prediction k ks topk topks top cutoff cutoffs metric metrics ndcg hr hit hits recall mrr map limit holdout"
        ),
        parts=("topk", "test", "evaluat"),
    ),
    _Left(
        why=LENGTH_OF_TRAINING,
        words=_words(
            "epoch epochs iter iters iteration iterations steps patience stopping sweeps rounds rankings updates batches"
        ),
        parts=("epoch", "earlystop", "patience"),
    ),
    _Left(
        why="it is a point of a schedule, which hangs on how long a training is",
        words=_words(
            "warmup warm schedule scheduler milestone milestones gamma anneal annealing cosine step plateau"
        ),
        parts=("lrdecay", "decayrate", "decaystep", "lrstep", "warmup"),
    ),
    _Left(
        why="it changes how the program runs, not what is learned",
        words=_words(
            "worker workers thread threads num_workers port gpu gpus cuda rank world log logging print "
            "verbose save interval every freq frequency timeout prefetch buffer cache chunk version debug display bins"
        ),
        parts=("numworkers", "everyn"),
    ),
    _Left(
        why="the data decide it",
        words=_words(
            "users items vocab vocabulary categories genres classes pad padding mask_token token tokens id ids idx index "
            "input inputs output outputs feature features"
        ),
        parts=("nusers", "nitems", "numusers", "numitems", "usernum", "itemnum", "padtoken", "padid"),
    ),
    _Left(
        why="it selects or splits the data",
        words=_words("core split splits ratio fold folds filter threshold events"),
    ),
    _Left(
        why="histories are cut to recommender.max_history of evolverec.toml, which hangs together with it",
        words=_words("len length maxlen seqlen window history positions"),
        parts=("maxlen", "seqlen", "maxseq", "sequencelength", "historylen", "maxposition", "listlength"),
    ),
    _Left(why="it guards a division", words=_words("eps epsilon")),
    _Left(
        why="it is no number to choose",
        words=_words("year month day hour minute second seconds bytes version"),
    ),
)

# Kind, words that make it alone, and parts of the joined name. The first row that fits decides.
_KINDS: tuple[tuple[Kind, frozenset[str], tuple[str, ...]], ...] = (
    (Kind.LEARNING_RATE, _words("lr learningrate"), ("learningrate",)),
    (Kind.KEPT, frozenset(), ("keepprob", "keeprate", "keepratio")),
    (Kind.MASKED, frozenset(), ("maskprob", "maskratio", "maskrate", "mlmprob", "maskingprob", "maskingrate", "maskedshare")),
    (Kind.DROPOUT, _words("dropout drop dropouts"), ("dropout", "dropprob", "droprate", "droppath")),
    (Kind.SMOOTHING, _words("smoothing"), ("labelsmooth",)),
    (
        Kind.WEIGHT_DECAY,
        _words("wd l2 l1 reg regs regularization regularisation regularizer lambda lambd weightdecay decay lamb ridge"),
        ("weightdecay", "l2reg", "l2emb", "reglambda", "regweight", "lambdareg", "embreg", "regrate", "l2weight", "regcoef"),
    ),
    (
        Kind.NEGATIVES,
        _words("negs neg negatives negative"),
        ("negative", "numneg", "nneg", "negsample", "negratio", "numng", "negsper", "negnum"),
    ),
    (Kind.TEMPERATURE, _words("temperature temp tau temperatures"), ("temperature",)),
    (Kind.BATCH_SIZE, _words("batch bs batchsize"), ("batchsize", "batch")),
    (Kind.HEADS, _words("heads nhead head nheads"), ("numheads", "nheads", "attentionheads", "nhead")),
    (
        Kind.LAYERS,
        _words("layers layer nlayers blocks block depth hops hop"),
        ("numlayers", "nlayers", "numblocks", "nblocks", "hiddenlayers", "numhops"),
    ),
    (
        Kind.INNER_WIDTH,
        _words("ff ffn feedforward intermediate inner dff mlp"),
        ("feedforward", "intermediatesize", "innersize", "ffndim", "dff", "mlpdim", "ffdim"),
    ),
    (Kind.CLIPPING, _words("clip clipping"), ("gradclip", "clipgrad", "gradnorm", "clipnorm", "maxnorm")),
    (Kind.MARGIN, _words("margin"), ()),
    (Kind.MOMENTUM, _words("momentum"), ()),
    (Kind.INITIAL_SCALE, _words("std stddev"), ("initstd", "initializerrange", "initscale", "initrange")),
    (
        Kind.WIDTH,
        _words("dim dims hidden width units factors embed embedding emb latent channels dmodel nhid hid nfactors d"),
        ("embeddim", "embeddingdim", "embsize", "embedsize", "embeddingsize", "hiddensize", "hiddendim", "hiddenunits", "dmodel", "latentdim", "factors", "factornum", "recdim", "embdim"),
    ),
)  # fmt: skip
_NOT_A_RATE = _words("decay min max final end factor scale mult multiplier gamma power")
_NOT_A_SIZE = _words("std scale init range weight dropout p prob rate alpha beta")
_ANSWERS = _words(
    "eval evaluate evaluator evaluation test tester testing validate validator validation predict predictor score recommend "
    "metric metrics ndcg"
)
_CUT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def words_of(name: str) -> tuple[str, ...]:
    """`trainBatch_size` -> ("train", "batch", "size")."""
    return tuple(word.lower() for word in _CUT.split(name) if word)


def role_of(name: str) -> Kind | str:
    """The kind of a number with this name, or why it is not tuned, in words."""
    words = words_of(name)
    joined = "".join(words)
    if why := _why_left(words, joined):
        return why
    for kind, alone, parts in _KINDS:
        sized = kind is Kind.WIDTH and any(word.endswith("dim") for word in words)
        if alone.isdisjoint(words) and not sized and not any(part in joined for part in parts):
            continue
        if kind is Kind.LEARNING_RATE and not _NOT_A_RATE.isdisjoint(words):
            return "it is a point of a schedule, which hangs on how long a training is"
        if kind is Kind.WIDTH and not _NOT_A_SIZE.isdisjoint(words):
            return UNKNOWN
        return kind
    return UNKNOWN


def why_of_evaluation(names: Sequence[str]) -> str:
    """Why numbers within these functions and classes are not tuned, "" if nothing speaks against it."""
    named = next((name for name in names if not _ANSWERS.isdisjoint(words_of(name))), "")
    return f"{named} evaluates or answers, and does not train" if named else ""


def _why_left(words: tuple[str, ...], joined: str) -> str:
    for row in _LEFT:
        if not row.words.isdisjoint(words) or any(part in joined for part in row.parts):
            return row.why
    return ""
