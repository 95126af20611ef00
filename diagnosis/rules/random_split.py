"""Static rule: events that are split into training and test at random, although their times are known."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.discount import statement_of
from diagnosis.rules.draws import DRAWS, draws_one, is_draw
from diagnosis.rules.evaluating import trainers
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.shuffled_events import shuffled_events
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.split_by_name import split_by_name
from diagnosis.rules.values import bindings, names_in, origins, same, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="random-split",
    found_by=FoundBy.RULE,
    title="Split at random, not by time",
    why="A model that was trained on later events than those it is tested on has seen the future.",
    definition="Events are permuted and then cut into parts, or handed to a random split, in a file that knows their times; or sessions are cut in the order of "
    "their names.",
    sources=("arXiv:2010.11060", "arXiv:2307.14951"),
)

PERMUTES = {"permutation", "permuted", "randperm", "shuffle"}
SPLITS = {"train_test_split", "random_split", "ShuffleSplit", "KFold", "random_train_test_split"}
# One of these must be called where anything is split at random.
SPLITTING = {*PERMUTES, *SPLITS, *DRAWS, "rand", "random", "uniform"}
KNOWS_TIME = ("timestamp", "timestamps", "unix", "unixreviewtime", "datetime", "date")
COLUMNS_OF_TIME = (
    "t",
    "ts",
    "time",
    "when",
    "stamp",
)  # of a table, where a variable of that name may be anything
LONGEST = 40  # characters of the name of a column
OWNERS = ("user", "uid", "session", "customer", "visitor")


def random_split(source: ParsedFile) -> Iterator[RuleHit]:
    """Permuted lists that are cut by `[:-1]` and `[-1]`; where times are known, all random splits of events."""
    for call in split_by_name(source):
        yield source.hit(
            KIND.code,
            statement_of(source, call),
            "puts sessions in the order of their names, so that training holds later events than test: sort them by time",
        )
    seen: set[int] = set()
    if not SPLITTING & source.called_names:
        return
    knows_time = _knows_time(source)
    for node in (
        *_last_of_permuted(source, knows_time),
        *_held_out(source),
        *_deleted(source),
        *shuffled_events(source),
        *(_of_groups(source) if knows_time else ()),
        *(_shuffled_part(source) if knows_time else ()),
        *(_by_library(source) if knows_time else ()),
    ):
        place = statement_of(source, node)
        if place.lineno not in seen:
            seen.add(place.lineno)
            yield source.hit(
                KIND.code,
                place,
                "splits events at random, so that training holds later events than test: split by time",
            )


def _last_of_permuted(source: ParsedFile, knows_time: bool) -> Iterator[ast.expr]:
    """Permutations of what is then cut in two: `x[:-1]` and `x[-1]` anywhere, `x[:n]` and `x[n:]` where times are known."""
    training = trainers(source)
    for part in source.within(source.nodes[0], ast.Subscript):
        cut = part.slice if isinstance(part.slice, ast.Slice) else None
        name = _table(part.value)
        if (
            cut is None
            or cut.lower is not None
            or cut.upper is None
            or not name
            or source.function_of(part) in training
        ):
            continue
        leaves_last = (number(cut.upper) or 0) < 0 and _has_last(source, part)
        if not leaves_last and not (
            knows_time and _has_rest(source, part, cut.upper) and not _are_owners(source, part.value)
        ):
            continue
        permuted = _permuted(source, part)
        if permuted is not None and (leaves_last or not any(_are_owners(source, a) for a in permuted.args)):
            yield permuted


def _deleted(source: ParsedFile) -> Iterator[ast.expr]:
    """Draws of places of a history that are held out, and of which the rest is kept: `valid[u] = seq[drawn[0]]` beside
    `train[u] = np.delete(seq, drawn)`.
    """
    for call in source.calls_named("delete"):
        if len(call.args) < 2 or not isinstance(call.args[1], ast.Name):
            continue
        drawn = [b.value for b in bindings(source, call.args[1].id, call)]
        draws = [c for value in drawn for c in source.within(value, ast.Call) if called_name(c) in SPLITTING]
        held = [
            part
            for part in source.within(source.function_of(call) or source.nodes[0], ast.Subscript)
            if same(part.value, call.args[0])
            and call.args[1].id in {n.id for n in ast.walk(part.slice) if isinstance(n, ast.Name)}
        ]
        if draws and any(_goes_to_held_out(source, part) for part in held):
            yield draws[0]


def _of_groups(source: ParsedFile) -> Iterator[ast.expr]:
    """`df.groupby("user").sample(1)`: events drawn of each user, which are held out."""
    for call in source.calls_named("sample"):
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        statement = next((o for o in source.around(call) if isinstance(o, ast.Assign)), None)
        grouped = isinstance(own, ast.Call) and called_name(own) == "groupby"
        if grouped and statement is not None and parts_in(*statement.targets) & {Part.VALID, Part.TEST}:
            yield call


def _shuffled_part(source: ParsedFile) -> Iterator[ast.expr]:
    """`rng.shuffle(mine)` before `is_test[mine[n:]] = True`, `cut[rng.choice(n, size=k)] = True` of a function that splits: places of a user's events, of which a part is marked as held out."""
    training = trainers(source)
    for part in source.within(source.nodes[0], ast.Subscript):
        name = dotted(part.value)
        if not isinstance(part.slice, ast.Slice) or not name or source.function_of(part) in training:
            continue
        marked = source.parents.get(part)
        kept = (
            source.parents.get(marked) if isinstance(marked, ast.Subscript) and marked.slice is part else None
        )
        if (
            not isinstance(kept, ast.Assign)
            or marked not in kept.targets
            or any(w in name.lower() for w in OWNERS)
        ):
            continue
        told = parts_in(*kept.targets) & {Part.VALID, Part.TEST}
        permuted = _permuted(source, part) if told else None
        if permuted is not None and not _speaks_of_owners(*permuted.args, *kept.targets):
            yield permuted
    for statement in source.within(source.nodes[0], ast.Assign):
        target, around = statement.targets[0], source.function_of(statement)
        index = target.slice if isinstance(target, ast.Subscript) else None
        if (
            isinstance(index, ast.Call)
            and called_name(index) in ("choice", "sample")
            and is_draw(source, index)
        ):
            named = around is not None and parts_named([around.name, *words_of(target)])
            if (
                named
                and named & {Part.VALID, Part.TEST}
                and around not in training
                and not _are_owners(source, index)
            ):
                yield index


def _speaks_of_owners(*nodes: ast.expr) -> bool:
    """Whether users or sessions are named, each of which stays whole: `rng.permutation(n_users)`."""
    return any(word in name.lower() for node in nodes for name in words_of(node) for word in OWNERS)


def _goes_to_held_out(source: ParsedFile, part: ast.Subscript) -> bool:
    kept = next((o for o in source.around(part) if isinstance(o, ast.Assign)), None)
    return kept is not None and bool(parts_in(*kept.targets) & {Part.VALID, Part.TEST})


def _table(node: ast.expr) -> str:
    """The name of what is cut: "df" for `df.iloc[:n]`."""
    return dotted(node).removesuffix(".iloc").removesuffix(".loc").removesuffix(".values")


def _has_last(source: ParsedFile, cut: ast.Subscript) -> bool:
    """Whether the last elements of the same list are taken one by one."""
    around = source.function_of(cut) or source.nodes[0]
    return any(
        same(other.value, cut.value) and (number(other.slice) or 0) < 0
        for other in source.within(around, ast.Subscript)
    )


def _has_rest(source: ParsedFile, cut: ast.Subscript, bound: ast.expr) -> bool:
    around = source.function_of(cut) or source.nodes[0]
    return any(
        same(other.value, cut.value) and isinstance(other.slice, ast.Slice) and same(other.slice.lower, bound)
        for other in source.within(around, ast.Subscript)
    )


def _permuted(source: ParsedFile, part: ast.Subscript) -> ast.Call | None:
    """The call that permutes what is cut, if one does: what gave it its value, or `shuffle(x)` on it in place."""
    name = _table(part.value)
    for binding in bindings(source, name, part):
        for call in source.within(binding.value, ast.Call):
            if called_name(call) in PERMUTES or (called_name(call) == "sample" and _is_whole(call)):
                return call
    around = source.function_of(part) or source.nodes[0]
    for call in source.calls_in(around):
        if (
            called_name(call) == "shuffle"
            and call.args
            and dotted(call.args[0]) == name
            and call.lineno < part.lineno
        ):
            return call
    return None


def _is_whole(call: ast.Call) -> bool:
    """`df.sample(frac=1)`, or `random.sample(x, len(x))`."""
    whole = keyword(call, "frac")
    if whole is not None:
        return number(whole) == 1
    return len(call.args) > 1 and isinstance(call.args[1], ast.Call) and called_name(call.args[1]) == "len"


def _by_library(source: ParsedFile) -> Iterator[ast.expr]:
    """Random splits of events by a library, or by a random mask."""
    yield from _by_mask(source)
    for call in source.calls:
        name = called_name(call)
        if name in SPLITS and not is_false(keyword(call, "shuffle")) and not _is_own(source, call):
            whole = call.args[0] if call.args else None
            ordered = name == "KFold" and keyword(call, "shuffle") is None
            if whole is not None and not ordered and not _are_owners(source, whole):
                yield call
        elif name == "sample" and 0 < _share(call) < 1 and _is_rest_dropped(source, call):
            yield call


def _is_own(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call goes to a function of the repo that is named as the library's; what is in it is judged where it stands."""
    return "." not in dotted(call.func) and callee(repo_of(source), source, call) is not None


def _by_mask(source: ParsedFile) -> Iterator[ast.expr]:
    """`mask = np.random.rand(len(df)) < 0.8`, where both `df[mask]` and `df[~mask]` are taken."""
    for statement in source.within(source.nodes[0], ast.Assign):
        value, name = statement.value, dotted(statement.targets[0])
        drawn = isinstance(value, ast.Compare) and any(
            called_name(c) in ("rand", "random", "uniform") for c in source.calls_in(value.left)
        )
        if not drawn or not name:
            continue
        around = source.function_of(statement) or source.nodes[0]
        indices = [p.slice for p in source.within(around, ast.Subscript) if not _are_owners(source, p.value)]
        turned = [i.operand for i in indices if isinstance(i, ast.UnaryOp) and isinstance(i.op, ast.Invert)]
        if any(dotted(i) == name for i in indices) and any(dotted(i) == name for i in turned):
            yield value


def _held_out(source: ParsedFile) -> Iterator[ast.expr]:
    """`test[u] = random.choice(items)`: an event of a history that was drawn is held out."""
    for statement in source.within(source.nodes[0], ast.Assign):
        if parts_in(*statement.targets) & {Part.TEST, Part.VALID} and not parts_in(statement.value):
            words = [w.lower() for w in words_of(statement.value)]
            taken = _taken_at_random(source, statement.value)
            if taken is not None and not any(
                part in w for w in words for part in ("neg", "cand", "unseen", "all")
            ):
                yield taken


def _taken_at_random(source: ParsedFile, value: ast.expr) -> ast.expr | None:
    """The draw by which one element of a list is taken: `choice(x)`, `x[randrange(len(x))]`, `x.pop(randint(...))`."""
    if isinstance(value, ast.Call) and called_name(value) == "choice" and is_draw(source, value):
        is_list = len(value.args) == 1 and not isinstance(value.args[0], ast.Call | ast.Constant)
        return value if is_list and not value.keywords else None
    index: ast.expr | None = value.slice if isinstance(value, ast.Subscript) else None
    if isinstance(value, ast.Call) and called_name(value) == "pop" and value.args:
        index = value.args[0]
    if index is None:
        return None
    steps = [s for count, s in enumerate(origins(source, index)) if count < 3]
    drawn = (c for s in steps if isinstance(s, ast.Call) for c in (s,) if is_draw(source, c) and draws_one(c))
    return next(
        (c for c in drawn if any(called_name(part) == "len" for part in source.calls_in(*c.args))), None
    )


def _share(call: ast.Call) -> float:
    share = keyword(call, "frac")
    return (
        float(share.value)
        if isinstance(share, ast.Constant) and isinstance(share.value, float | int)
        else 0.0
    )


def _is_rest_dropped(source: ParsedFile, call: ast.Call) -> bool:
    """`train = df.sample(frac=.8)` beside `test = df.drop(train.index)`."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    return own is not None and any(
        called_name(other) == "drop" and isinstance(other.func, ast.Attribute) and same(other.func.value, own)
        for other in source.calls
    )


def _are_owners(source: ParsedFile, node: ast.expr) -> bool:
    """Whether what is split are users or sessions, each of which stays whole."""
    names = [dotted(name).lower() for name in names_in(node)]
    if any(word in name for name in names for word in OWNERS):
        return True
    return any(
        called_name(call) in ("unique", "nunique", "keys", "drop_duplicates")
        for step in origins(source, node)
        for call in source.within(step, ast.Call)
    )


def _knows_time(source: ParsedFile) -> bool:
    """Whether the file reads times of events: a column or an attribute that says so."""
    whole = source.nodes[0]
    if any(word in COLUMNS_OF_TIME for word in (*_columns(source), *_fields(source))):
        return True
    words = [
        *(name.id for name in source.within(whole, ast.Name)),
        *(name.attr for name in source.within(whole, ast.Attribute)),
        *(
            c.value
            for c in source.within(whole, ast.Constant)
            if isinstance(c.value, str) and len(c.value) < LONGEST
        ),
    ]
    return any(piece in KNOWS_TIME for word in words for piece in word.lower().replace(":", "_").split("_"))


def _fields(source: ParsedFile) -> Iterator[str]:
    """The names that a file gives the fields of a line: `u, i, t = map(int, line.split(","))`, `for u, i, t in csv.reader(f)`."""
    for statement in source.within(source.nodes[0], ast.Assign):
        target = statement.targets[0]
        cut = any(called_name(call) == "split" for call in source.calls_in(statement.value))
        if cut and isinstance(target, ast.Tuple) and len(target.elts) > 2:
            yield from (part.id.lower() for part in target.elts if isinstance(part, ast.Name))
    for loop in source.within(source.nodes[0], ast.For):
        target = loop.target
        read = isinstance(loop.iter, ast.Call) and called_name(loop.iter) in (
            "reader",
            "sorted",
            "itertuples",
        )
        if read and isinstance(target, ast.Tuple) and len(target.elts) > 2:
            yield from (part.id.lower() for part in target.elts if isinstance(part, ast.Name))


def _columns(source: ParsedFile) -> Iterator[str]:
    """The names of columns that a file gives to a table, or sorts by; "time" for a third or fourth column by which rows are put in order."""
    for call in source.calls_named("argsort", "lexsort"):
        last = [part for part in source.within(call, ast.Subscript) if _is_late_column(part)]
        if last:
            yield "time"
    for call in source.calls:
        if called_name(call) in ("read_csv", "read_table", "DataFrame", "sort_values", "sort"):
            given = (*call.args, *(k.value for k in call.keywords if k.arg in ("names", "columns", "by")))
            for part in (p for value in given for p in source.within(value, ast.Constant)):
                if isinstance(part.value, str):
                    yield part.value.lower()


def _is_late_column(part: ast.Subscript) -> bool:
    """`data[:, 2]` of rows of user, item and time, and what may stand beside these."""
    index = part.slice.elts if isinstance(part.slice, ast.Tuple) else []
    return len(index) == 2 and isinstance(index[0], ast.Slice) and number(index[1]) in (2, 3)


RULE = Rule(kind=KIND, run=random_split)
