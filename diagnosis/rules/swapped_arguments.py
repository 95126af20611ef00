"""Static rule: predictions where a function expects what was observed, and the other way round."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.rules.values import words_of
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="arguments-swapped",
    found_by=FoundBy.RULE,
    title="Predictions and labels are swapped",
    why="A metric of swapped arguments is another one, and a loss of them has the gradient of another model.",
    definition="Of a function that takes both, the argument for what was observed is called a prediction, or was made by "
    "a sigmoid or softmax, and the other one is called a label.",
    explains=(*UNTRAINED, *WEAK),
)

# Function -> the place of what was observed, and of what was predicted.
PLACES = {
    **{
        f"sklearn.metrics.{name}": (0, 1)
        for name in ("roc_auc_score", "average_precision_score", "log_loss", "ndcg_score", "dcg_score",
                     "label_ranking_average_precision_score", "brier_score_loss", "precision_recall_curve", "roc_curve")
    },
    **{
        f"torch.nn.functional.{name}": (1, 0)
        for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss")
    },
}  # fmt: skip
OBSERVED = {"label", "labels", "true", "truth", "target", "targets", "y", "clicked", "gt"}
PREDICTED = {
    "score",
    "scores",
    "pred",
    "preds",
    "prediction",
    "predictions",
    "predicted",
    "logits",
    "prob",
    "probs",
    "hat",
}
MODELS = {"model", "net", "network", "forward"}  # a call of one predicts
SQUASHES = {"sigmoid", "softmax", "log_softmax"}


def arguments_swapped(source: ParsedFile) -> Iterator[RuleHit]:
    """`roc_auc_score(scores, labels)`, `F.binary_cross_entropy(labels, torch.sigmoid(logits))`"""
    for call in source.calls:
        places = PLACES.get(source.full_name(call)) or _places_of_module(source, call)
        if places is None or len(call.args) < 2 or any(isinstance(a, ast.Starred) for a in call.args):
            continue
        observed, predicted = (call.args[place] for place in places)
        if _is_predicted(source, observed) and _says(predicted) == OBSERVED:
            yield source.hit(
                KIND.code, call, "takes predictions for labels, and labels for predictions: swap them"
            )


def _places_of_module(source: ParsedFile, call: ast.Call) -> tuple[int, int] | None:
    """The places of a loss that is a module, such as `self.criterion(labels, logits)`, where labels stand first."""
    if source.repo is None or len(call.args) != 2 or _says(call.args[0]) != OBSERVED:
        return None
    done = operation(source.repo, source, call)
    return PLACES.get(f"torch.nn.functional.{done.name}") if done is not None else None


def _is_predicted(source: ParsedFile, node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and called_name(node).lower() in MODELS:
        return True
    said = _says(node)
    if said:
        return said == PREDICTED
    return source.repo is not None and _is_squashed(source.repo, source, node)


def _is_squashed(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    ends = endings(repo, source, node)
    made = [operation(repo, end.file, end.node) for end in ends if isinstance(end.node, ast.Call)]
    return (
        bool(made)
        and len(made) == len(ends)
        and all(done is not None and done.name in SQUASHES for done in made)
    )


def _says(node: ast.expr) -> set[str] | None:
    """OBSERVED or PREDICTED, as the names of an expression say; None where they say neither, or both."""
    pieces = {piece for word in words_of(node) for piece in word.lower().split("_")}
    found = [words for words in (OBSERVED, PREDICTED) if pieces & words]
    if "hat" in pieces or "pred" in pieces:
        return PREDICTED
    return found[0] if len(found) == 1 else None


RULE = Rule(kind=KIND, run=arguments_swapped)
