"""The space that is searched: which numbers of a program are tuned together or alone, within which ranges, and which are left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from evolution.base.paths import matches
from evolution.domain.edit_paths import OWN_PATHS
from evolution.tuning.kinds import UNKNOWN, Kind, role_of, why_of_evaluation
from evolution.tuning.number import SETTINGS, Number, Where
from evolution.tuning.python_numbers import python_numbers
from evolution.tuning.ranges import NoRange, Range, range_of
from evolution.tuning.text_numbers import SUFFIXES, is_settings_file, text_numbers
from evolution.tuning.use import Use

FILES = ("*.py", *(f"*{suffix}" for suffix in SUFFIXES))  # where numbers are looked for
MOST = 8  # numbers that are tuned; a few dozen trials tell nothing of more
# Places where a number with a name that forbids it is worth a line in the list.
LISTED = SETTINGS | {Where.ENTRY, Where.PARAMETER}
WHOLE_KINDS = (Kind.NEGATIVES, Kind.BATCH_SIZE, Kind.WIDTH, Kind.INNER_WIDTH, Kind.LAYERS, Kind.HEADS)

Values = tuple[int | float, ...]  # one for each dimension of a space


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """Numbers that always have one value. More than one are such as have to agree: equal widths, a default that is written twice."""

    kind: Kind
    range: Range
    numbers: tuple[Number, ...]

    @property
    def name(self) -> str:
        """As the first of its numbers is shown."""
        return self.numbers[0].name

    @property
    def key(self) -> str:
        """Unique in a space."""
        return f"{self.numbers[0].place}:{self.numbers[0].start}"

    @property
    def value(self) -> int | float:
        """What its numbers are in the program."""
        return self.numbers[0].value


@dataclass(frozen=True, kw_only=True)
class LeftNumber:
    """A number that is not tuned. why: in words that can follow its name."""

    number: Number
    why: str


@dataclass(frozen=True, kw_only=True)
class Space:
    """dimensions: in the order in which their roles usually matter. left: in the order of files and lines."""

    dimensions: tuple[Dimension, ...]
    left: tuple[LeftNumber, ...]

    @property
    def values(self) -> Values:
        """The setting of the program itself."""
        return tuple(dimension.value for dimension in self.dimensions)


def find_space(
    sources: Mapping[str, str],
    *,
    entry: str,
    editable: Sequence[str],
    executed: Mapping[str, Iterable[int]] | None = None,
) -> Space:
    """The numbers of a program that may be tuned.

    sources: path -> text of its Python files and settings files. entry, editable: as in evolverec.toml. executed: path -> lines that
    ran in the traced training; None or {} where nobody saw.
    """
    ran = {path: frozenset(lines) for path, lines in (executed or {}).items()}
    use = Use(sources=sources, entry=entry, executed=ran)
    numbers = _with_types([number for path in sorted(sources) for number in numbers_of(path, sources[path])])
    judged = [(number, _judged(number, numbers, use, editable)) for number in numbers]
    dimensions = _agreeing(_tied([(n, said) for n, said in judged if isinstance(said, Dimension)]))
    left = [LeftNumber(number=n, why=said) for n, said in judged if isinstance(said, str) and said]
    ordered = sorted(dimensions, key=lambda one: list(Kind).index(one.kind))
    why = f"{MOST} numbers are tuned at most, and other roles matter more"
    left += [LeftNumber(number=number, why=why) for one in ordered[MOST:] for number in one.numbers]
    left.sort(key=lambda one: (one.number.path, one.number.line, one.number.start))
    return Space(dimensions=tuple(ordered[:MOST]), left=tuple(left))


def numbers_of(path: str, text: str) -> list[Number]:
    """All numbers of one file's configuration, whatever their roles."""
    if path.endswith(".py"):
        return python_numbers(path, text)
    return text_numbers(path, text) if is_settings_file(path) else []


def _with_types(numbers: Sequence[Number]) -> list[Number]:
    """A value on a command line takes whole numbers only where its option does."""
    whole = {number.word for number in numbers if number.where is Where.OPTION and number.whole}
    return [replace(n, whole=n.whole or (n.where is Where.WORDS and n.word in whole)) for n in numbers]


def _judged(number: Number, numbers: Sequence[Number], use: Use, editable: Sequence[str]) -> Dimension | str:
    """The dimension of a number that may be tuned, why not, or "" for one that is no configuration."""
    role = role_of(number.word)
    if not isinstance(role, Kind):
        return role if _is_listed(number, role) else ""
    if role is Kind.WEIGHT_DECAY and number.value == 0 and number.where is Where.ENTRY and number.around:
        return "it keeps a group of parameters from decaying"
    ranged = range_of(role, number.value)
    if isinstance(ranged, NoRange):
        return ranged.why if number.where in LISTED else ""
    if role not in WHOLE_KINDS and number.whole:
        return f"its place takes whole numbers, and a {role} is none"
    if (
        why := why_of_evaluation((*number.around, number.owner))
        or use.why_unused(number)
        or _why_overruled(number, numbers, use)
    ):
        return why
    if not _may_edit(number.path, editable):
        return f'recommender.editable of evolverec.toml does not name the file; add "{number.path}" and it is tuned'
    return Dimension(kind=role, range=ranged, numbers=(number,))


def _is_listed(number: Number, why: str) -> bool:
    """Whether a number that its name forbids, or whose role is unknown, looks like configuration."""
    counter = number.where is Where.CONSTANT and number.value == 0 and number.word.islower()
    if counter or (number.where is Where.ENTRY and number.around):
        return False
    return number.where in SETTINGS or (number.where in LISTED and why != UNKNOWN)


def _may_edit(path: str, editable: Sequence[str]) -> bool:
    own = any(part.casefold() in OWN_PATHS for part in path.split("/"))
    return matches(path, editable) and not own


def _why_overruled(number: Number, numbers: Sequence[Number], use: Use) -> str:
    """Why another place decides the value: a command line overrules an option, anything overrules a fallback."""
    stronger: Mapping[Where, frozenset[Where]] = {
        Where.OPTION: frozenset({Where.WORDS}),
        Where.FALLBACK: frozenset({*SETTINGS, Where.ENTRY}),
    }
    for other in numbers:
        decides = other.where in stronger.get(number.where, ()) and other.word == number.word
        if decides and other.path in use.reached:
            return f"{other.place} gives the value"
    return ""


def _tied(judged: Sequence[tuple[Number, Dimension]]) -> list[Dimension]:
    """Numbers that have to agree, as one dimension: equal widths, and equal values of one role and name."""
    found: dict[tuple[object, ...], Dimension] = {}
    for number, dimension in judged:
        word = "" if dimension.kind in (Kind.WIDTH, Kind.HEADS) else number.word.lower()
        key = (dimension.kind, number.value, word)
        known = found.get(key)
        found[key] = replace(known, numbers=(*known.numbers, number)) if known else dimension
    return list(found.values())


def _agreeing(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Widths that every number of heads divides into parts as even as they are; a dimension with one value is none."""
    heads = [one for one in dimensions if one.kind is Kind.HEADS]
    widths = [one for one in dimensions if one.kind is Kind.WIDTH]
    divided = [w for w in widths if all(w.value % h.value == 0 for h in heads)] if heads else []

    def restricted(one: Dimension) -> Dimension:
        if one in divided:
            fits = [c for c in one.range.choices if all(_splits(c, h.value, one.value) for h in heads)]
            return replace(one, range=Range(choices=tuple(fits)))
        if one in heads:
            all_widths = [(c, w.value) for w in map(restricted, divided) for c in w.range.choices]
            fits = [
                h for h in one.range.choices if h == one.value or all(_splits(c, h, v) for c, v in all_widths)
            ]
            return replace(one, range=Range(choices=tuple(fits)))
        return one

    found = [restricted(one) for one in dimensions]
    return [one for one in found if len(one.range.choices) != 1]


def _splits(width: float, heads: float, usual: float) -> bool:
    """Whether the heads divide a width, into even parts if those of the usual width are even."""
    return width % heads == 0 and (usual // heads % 2 == 1 or width // heads % 2 == 0)
