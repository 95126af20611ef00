"""Runs all static rules on one file, as the user types."""

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache

from diagnosis.kit import is_kit
from diagnosis.rules import (
    activation_missing,
    attention_scaled,
    attention_turned,
    averaged_into,
    bag_boundaries,
    batch_axis,
    batch_mixed,
    clipping,
    constant_tables,
    copied_loss,
    cut_before_filter,
    cut_from_loss,
    decay_per_batch,
    decay_starves,
    diffusion_terms,
    distance_sense,
    drawn_wide,
    dropout,
    dropout_before_softmax,
    dropout_kept,
    dropout_share,
    eval_forgotten,
    extreme_of_batch,
    factors_summed,
    grad_at_evaluation,
    gradients_cleared,
    graphs_kept,
    half_normalised,
    heads_view,
    label_column,
    last_of_packed,
    layers_bottom,
    leafless,
    likelihood,
    likelihood_of_scores,
    loss_of_answers,
    loss_unused,
    mask_sense,
    masked_after_softmax,
    masked_hits,
    mean_divided,
    newest_masked,
    norm_capped,
    norm_left_out,
    not_called,
    offsets,
    one_column,
    optimizer_partial,
    optimizer_recreated,
    other_table,
    own_neighbour,
    padding_row,
    pairs_turned,
    parameters_swapped,
    part_not_served,
    penalty_grows,
    plain_lists,
    positions_missing,
    random_table_frozen,
    rate_of_rate,
    reduced_unlike,
    residual_missing,
    rotated_on_one_side,
    row_for_user,
    rows_stay_sorted,
    sampling,
    selected_on_test,
    self_among_negatives,
    share_cut,
    share_floored,
    shuffle,
    similarity_axis,
    smoothing,
    softmax_axis,
    spread_of_variance,
    squashed_twice,
    state_goes_on,
    table_unread,
    temperature,
    term_as_number,
    traffic,
    train_forgotten,
    unstepped_schedule,
    updates_lost,
    users_softmax,
    views_alike,
    warm_up_restarts,
    weights_remade,
    weights_turned,
    written_gradient,
)
from diagnosis.rules.broken import mended
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.on_data import ON_DATA
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, read_source, read_tree
from diagnosis.syntax import Hurdle, Unparsed, parse

RULES: tuple[Rule, ...] = (
    shuffle.RULE,
    dropout.RULE,
    dropout_kept.RULE,
    users_softmax.RULE,
    layers_bottom.RULE,
    share_floored.RULE,
    row_for_user.RULE,
    diffusion_terms.RULE,
    rotated_on_one_side.RULE,
    rate_of_rate.RULE,
    parameters_swapped.RULE,
    extreme_of_batch.RULE,
    dropout_before_softmax.RULE,
    dropout_share.RULE,
    traffic.RULE,
    sampling.RULE,
    grad_at_evaluation.RULE,
    selected_on_test.RULE,
    self_among_negatives.RULE,
    one_column.RULE,
    gradients_cleared.RULE,
    clipping.RULE,
    optimizer_recreated.RULE,
    not_called.RULE,
    graphs_kept.RULE,
    decay_per_batch.RULE,
    decay_starves.RULE,
    cut_from_loss.RULE,
    optimizer_partial.RULE,
    activation_missing.RULE,
    attention_turned.RULE,
    half_normalised.RULE,
    copied_loss.RULE,
    loss_of_answers.RULE,
    loss_unused.RULE,
    random_table_frozen.RULE,
    leafless.RULE,
    batch_axis.RULE,
    batch_mixed.RULE,
    mean_divided.RULE,
    reduced_unlike.RULE,
    unstepped_schedule.RULE,
    updates_lost.RULE,
    weights_remade.RULE,
    distance_sense.RULE,
    label_column.RULE,
    masked_after_softmax.RULE,
    offsets.RULE,
    part_not_served.RULE,
    share_cut.RULE,
    similarity_axis.RULE,
    smoothing.RULE,
    other_table.RULE,
    attention_scaled.RULE,
    averaged_into.RULE,
    views_alike.RULE,
    last_of_packed.RULE,
    residual_missing.RULE,
    norm_left_out.RULE,
    warm_up_restarts.RULE,
    heads_view.RULE,
    mask_sense.RULE,
    masked_hits.RULE,
    newest_masked.RULE,
    eval_forgotten.RULE,
    train_forgotten.RULE,
    plain_lists.RULE,
    positions_missing.RULE,
    squashed_twice.RULE,
    softmax_axis.RULE,
    likelihood.RULE,
    likelihood_of_scores.RULE,
    temperature.RULE,
    term_as_number.RULE,
    constant_tables.RULE,
    drawn_wide.RULE,
    padding_row.RULE,
    table_unread.RULE,
    table_unread.INPUT_RULE,
    pairs_turned.RULE,
    rows_stay_sorted.RULE,
    spread_of_variance.RULE,
    state_goes_on.RULE,
    factors_summed.RULE,
    norm_capped.RULE,
    own_neighbour.RULE,
    bag_boundaries.RULE,
    weights_turned.RULE,
    weights_turned.OLDEST_RULE,
    penalty_grows.RULE,
    written_gradient.RULE,
    cut_before_filter.RULE,
    *ON_DATA,
)

CROSSING = tuple(rule for rule in RULES if rule.crosses)
LONGEST_OTHER = 100_000  # characters of a file that is only looked into


def check_source(path: str, text: str, others: Mapping[str, str] | None = None) -> list[RuleHit]:
    """All hits in a file, by line; [] for files other than Python, and for the adapter's kit. While the text is not valid Python, the hits in
    functions that are.

    others: path -> text of the other files of the repo, which calls and classes are followed into.
    """
    judged = path.endswith(".py") and not is_kit(path)
    source = read_source(path, text) if judged else None
    parts = mended(text) if source is None and judged else None
    if parts is not None:
        source = read_tree(path, parts.tree)
    if source is None:
        return []
    around = [
        _read(other, words)
        for other, words in (others or {}).items()
        if other != path and not is_kit(other) and _small(other, words)
    ]
    repo = Codebase(
        files=(source, *(file for file in around if file is not None)),
        whole=others is not None and None not in around and parts is None,
    )
    hits = _hits(source, repo, RULES)
    for file in repo.files[1:]:
        hits += _hits(file, repo, CROSSING)
    here = [hit for hit in hits if hit.path == path]
    return _sorted([hit for hit in here if parts is None or hit.start_line not in parts.silenced])


def check_sources(sources: Mapping[str, str]) -> list[RuleHit]:
    """All hits in the files of a repo, which is one whole, by file and line. sources: path -> text."""
    read = [
        read_source(path, text) for path, text in sources.items() if path.endswith(".py") and not is_kit(path)
    ]
    files = tuple(file for file in read if file is not None)
    repo = Codebase(files=files, whole=len(files) == len(read))
    return _sorted([hit for file in files for hit in _hits(file, repo, RULES)])


def _hits(source: ParsedFile, repo: Codebase, rules: Sequence[Rule]) -> list[RuleHit]:
    if _is_of_unit_tests(source):
        return []
    placed = source.placed_in(repo)
    return [hit for rule in rules for hit in rule.run(placed)]


def _is_of_unit_tests(source: ParsedFile) -> bool:
    """Whether a file holds unit tests or their fixtures, which trains no recommender: by its place, and by what it imports or asserts."""
    *folders, name = source.path.replace("\\", "/").split("/")
    if not (
        {"test", "tests"} & set(folders)
        or name.startswith(("test_", "conftest"))
        or name.endswith("_test.py")
    ):
        return False
    frameworks = {origin.partition(".")[0] for origin in source.imports.values()} & {"pytest", "unittest"}
    return bool(frameworks) or any(
        function.name.startswith("test_") and source.within(function, ast.Assert)
        for function in source.functions
    )


def _sorted(hits: list[RuleHit]) -> list[RuleHit]:
    """Each hit once, in the order of the text."""
    return sorted(dict.fromkeys(hits), key=lambda hit: (hit.path, hit.start_line, hit.code))


def _small(path: str, text: str) -> bool:
    return path.endswith(".py") and len(text) <= LONGEST_OTHER


@lru_cache(maxsize=64)  # the other files stay as they are while one is edited
def _read(path: str, text: str) -> ParsedFile | None:
    return read_source(path, text)


def unseen_by_rules(text: str) -> str:
    """Why no rule can look at a Python file, in words that can follow its name; "" for one that can be looked at, and for
    one that is not valid Python, which a text is while somebody types.
    """
    fault = parse(text)
    return fault.message if isinstance(fault, Unparsed) and fault.hurdle is not Hurdle.SYNTAX else ""
