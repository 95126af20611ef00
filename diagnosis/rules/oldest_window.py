"""Static rule: a history that is longer than the model reads is cut to its oldest events, and not to its newest."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.oldest_served import oldest_served, put_at_the_end
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.turned import turns_histories
from diagnosis.rules.values import bindings, owner_of, words_of
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="window-of-the-oldest",
    found_by=FoundBy.RULE,
    title="A long history keeps its oldest events",
    why="Who has more events than the model reads is told apart by what he did first; what he did last is never seen.",
    definition="A history is cut at its beginning by the length that the model reads, `seq[:maxlen]`, and padded to it, in code that turns nothing round and "
    "takes the end of a history by this length nowhere; or what `score` is handed, or what is then put at the end of a row, is cut so.",
    roles=(Role.LOADER, Role.ENCODER),
    explains=("newest-kept", "newest-never-target", *UNORDERED, *WEAK),
)

HISTORIES = ("seq", "hist", "session", "event", "click", "past", "interaction")
LENGTHS = ("len", "length", "hist", "history", "seq", "events", "items", "window")
NO_EVENTS = ("text", "title", "desc", "word", "sentence", "caption", "genre", "cat", "cats", "neg", "negs", "cand", "tag", "tags", "feat",
             "features", "candidates", "negatives", "target", "targets", "label", "labels", "top", "ranked", "scores")  # fmt: skip
PADS = {
    "zeros",
    "full",
    "pad",
    "pad_sequence",
    "zeros_like",
    "full_like",
    "rnn_pad_sequence",
    "pad_sequences",
}
TURNS = {"reversed", "flip", "flipud", "fliplr", "reverse", "argsort", "sorted", "sort", "sort_values"}


def window_of_the_oldest(source: ParsedFile) -> Iterator[RuleHit]:
    """`seq = history[:maxlen]` with `[0] * (maxlen - len(seq)) + seq`; `islice(history, maxlen)`; `x[:, :MAX_LEN]` of padded histories."""
    told: set[int] = set()
    for found in (*oldest_served(source), *_put_at_the_end(source)):
        statement = next((o for o in source.around(found) if isinstance(o, ast.stmt)), found)
        told.add(statement.lineno)
        yield source.hit(
            KIND.code,
            found if hasattr(statement, "body") else statement,
            "keeps the oldest events of a long history, whose newest stand last: take them from the end",
        )
    if turns_histories(repo_of(source)):
        return
    for cut, base, bound in _cuts(source):
        words = _length(source, bound)
        function = source.function_of(cut)
        around = function or source.nodes[0]
        if not words or not _is_history(source, base) or not _pads(source, around):
            continue
        if any(called_name(c) in TURNS for c in source.calls_in(around)) or _takes_ends(
            source, around, words
        ):
            continue
        statement = next((o for o in source.around(cut) if isinstance(o, ast.stmt)), cut)
        if statement.lineno in told:
            continue
        yield source.hit(
            KIND.code,
            cut if hasattr(statement, "body") else statement,
            "keeps the oldest events of a long history: take the newest, from the end",
        )


def _put_at_the_end(source: ParsedFile) -> Iterator[ast.expr]:
    """What is cut to its head and put at the end of a row, where it is a user's events and no repo turns them round."""
    for found in put_at_the_end(source):
        if (
            isinstance(found, ast.Subscript)
            and _is_history(source, found.value)
            and not turns_histories(repo_of(source))
        ):
            yield found


def _cuts(source: ParsedFile) -> Iterator[tuple[ast.expr, ast.expr, ast.expr]]:
    """What takes the beginning of something: the expression, the whole, and how much of it."""
    for part in source.within(source.nodes[0], ast.Subscript):
        index = part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
        if (
            isinstance(index, ast.Slice)
            and index.upper is not None
            and index.step is None
            and isinstance(part.ctx, ast.Load)
        ) and (index.lower is None or number(index.lower) == 0):
            yield part, part.value, index.upper
    for call in source.calls_named("islice"):
        if len(call.args) == 2:
            yield call, call.args[0], call.args[1]


def _length(source: ParsedFile, bound: ast.expr, *, follow: bool = True) -> set[str]:
    """The last name of the length that a model reads, `self.maxlen`, or of what is at most that, `min(len(x), maxlen)`; none for all else."""
    if isinstance(bound, ast.Call) and called_name(bound) == "min":
        return {word for given in bound.args for word in _length(source, given, follow=follow)}
    name = dotted(bound).rpartition(".")[2]
    pieces = name.lower().split("_")
    if name.lower().startswith("max") and (len(pieces) == 1 or set(pieces[1:]) & {*LENGTHS}):
        return (
            {name}
            if "len" in name.lower() or set(pieces) & {"hist", "history", "seq", "events", "items"}
            else set()
        )
    if name.lower() in ("seq_len", "seqlen", "window_size", "hist_len", "history_len", "sequence_length"):
        return {name}
    found = bindings(source, name, bound) if isinstance(bound, ast.Name) else []
    made = found[0].value if len(found) == 1 and found[0].position is None else None
    bounded = follow and isinstance(made, ast.Call) and called_name(made) == "min"
    return _length(source, made, follow=False) if made is not None and bounded else set()


def _is_history(source: ParsedFile, base: ast.expr) -> bool:
    """Whether what is cut is a user's events, by its name or by that of what it was taken from, and no text or list of candidates."""
    words = list(words_of(base))
    for name in [part for part in ast.walk(base) if isinstance(part, ast.Name)]:
        words += [word for b in bindings(source, name.id, name) for word in words_of(b.value)]
        owner = owner_of(source, name.id, name)
        words += [owner.name] if owner is not None else []
    pieces = {piece for word in words for piece in word.lower().split("_")}
    return any(piece.startswith(HISTORIES) for piece in pieces) and not pieces & set(NO_EVENTS)


def _pads(source: ParsedFile, around: ast.AST) -> bool:
    """Whether shorter histories are filled up there."""
    if any(called_name(call) in PADS for call in source.calls_in(around)):
        return True
    return any(
        isinstance(part.op, ast.Mult) and isinstance(part.left, ast.List)
        for part in source.within(around, ast.BinOp)
    )


def _takes_ends(source: ParsedFile, around: ast.AST, words: set[str]) -> bool:
    """Whether anything in the file takes as much from the end, `x[-maxlen:]`, or the function steps backwards."""
    for part in source.within(source.nodes[0], ast.Slice):
        start, outer = part.lower, source.parents.get(part)
        while isinstance(outer, ast.Tuple):
            outer = source.parents.get(outer)
        less = start.right if isinstance(start, ast.BinOp) and isinstance(start.op, ast.Sub) else start
        from_end = isinstance(start, ast.UnaryOp) or less is not start
        reads = isinstance(outer, ast.Subscript) and isinstance(outer.ctx, ast.Load)
        if reads and from_end and less is not None and words & set(words_of(less)):
            return True
        if part.step is not None and part in source.within(around, ast.Slice):
            return True
    return False


RULE = Rule(kind=KIND, run=window_of_the_oldest)
