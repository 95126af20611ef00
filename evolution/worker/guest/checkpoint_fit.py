"""Finds in a checkpoint the state that a recommender takes, however it was wrapped, and says what does not fit.

A wrapping is a prefix: {"state_dict": ...}, {"model": ...}, the "module." of DataParallel, the "model." of Lightning. It
is found by comparing names and shapes with those of the recommender's own state, so no list of wrappings is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .failures import ContractBroken

DEEPEST = 8  # mappings in one another
NAMED = 3  # entries that a message names
WRAPPERS = ("module", "_orig_mod")  # parts of names that DataParallel and torch.compile put between others
PREFERRED = ("", "state_dict.", "model_state_dict.", "model.")  # where several copies of the weights fit


class Held(NamedTuple):
    """An entry of the file. owner: which mapping it lies in, as the names of those around it."""

    owner: str
    value: Any


class Fit(NamedTuple):
    """How names of the state become names in the file: without `cut`, behind `prefix`."""

    cut: str
    prefix: str

    def named(self, name: str) -> str:
        return self.prefix + name[len(self.cut) :]


def fitted_state(raw: Any, expected: Any) -> tuple[Any, str]:
    """The state in the form of `expected`, and the prefix under which the file has it ("" for none).

    raw: what the file holds. expected: the state of the recommender as it was built. Raises ContractBroken, which names
    what is missing, unexpected or of another shape.
    """
    held = _unwrapped(raw)
    if not any(is_array(found.value) for found in held.values()):
        kind = type(raw).__name__
        raise ContractBroken(
            f"the checkpoint holds no state dict: expected names and tensors, found a {kind} without; save torch.save(model.state_dict(), PATH)"
        )
    known = {plain(name): value for name, value in leaves(expected)}
    wanted = {name: value for name, value in known.items() if is_array(value)}
    if not wanted:  # such as a table that fit() makes
        return raw, ""
    fit = _best_fit(held, wanted)
    _check(held, wanted, [fit.named(name) for name in known], fit)
    taken = {name: held[fit.named(name)].value for name in known if fit.named(name) in held}
    return _rebuilt(expected, taken, ""), fit.prefix


def leaves(state: Any, owner: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of everything in mappings of mappings."""
    for name, found in _leaves(state, owner, depth):
        yield name, found.value


def _leaves(state: Any, owner: str, depth: int) -> Iterator[tuple[str, Held]]:
    if not isinstance(state, Mapping) or depth > DEEPEST:
        return
    for name, value in state.items():
        whole = f"{owner}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{whole}.", depth + 1)
        else:
            yield whole, Held(owner, value)


def _unwrapped(raw: Any) -> dict[str, Held]:
    held = dict(_leaves(raw, "", 0))
    unmarked = {plain(name): found for name, found in held.items()}
    return unmarked if len(unmarked) == len(held) else held


def plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in value.shape)


def _best_fit(held: Mapping[str, Held], wanted: Mapping[str, Any]) -> Fit:
    """The way of naming under which most entries are found, with their shapes first."""

    def score(fit: Fit) -> tuple[int, int, int, int]:
        names = [(fit.named(name), value) for name, value in wanted.items()]
        found = [(held[there].value, value) for there, value in names if there in held]
        found = [(ours, theirs) for ours, theirs in found if is_array(ours)]
        alike = sum(_shape(ours) == _shape(theirs) for ours, theirs in found)
        rank = PREFERRED.index(fit.prefix) if fit.prefix in PREFERRED else len(PREFERRED)
        return alike, len(found), -len(_unexpected(held, {there for there, _ in names}, fit)), -rank

    return max(_ways(held, wanted), key=score)


def _ways(held: Mapping[str, Held], wanted: Mapping[str, Any]) -> list[Fit]:
    """Ways of naming that find at least one entry; the file's own names as they are come first."""
    ways = {Fit("", ""): None}
    for cut in _common_beginnings(list(wanted)):
        for name in wanted:
            rest = name[len(cut) :]
            for there in held:
                if there.endswith(rest) and (len(there) == len(rest) or there[-len(rest) - 1] == "."):
                    ways[Fit(cut, there[: len(there) - len(rest)])] = None
            if len(ways) > 1:
                break  # one entry shows all ways in which a whole state can lie in the file
    return list(ways)


def _common_beginnings(names: list[str]) -> list[str]:
    """Dotted beginnings that all names share, "" first."""
    first = names[0].split(".")
    beginnings = [".".join(first[:n]) + "." for n in range(1, len(first))]
    return ["", *(b for b in beginnings if all(name.startswith(b) for name in names))]


def _check(held: Mapping[str, Held], wanted: Mapping[str, Any], known: list[str], fit: Fit) -> None:
    """Raises ContractBroken where the file does not have exactly the tensors that the state wants.

    known: the names in the file of all that the state has. What lies in other mappings (an optimizer's state) may be there.
    """
    there = {fit.named(name): value for name, value in wanted.items()}
    missing = [name for name in there if name not in held or not is_array(held[name].value)]
    unexpected = _unexpected(held, set(known), fit)
    differing = [
        f"{name} is {_shape(held[name].value)} in the file and {_shape(value)} in the model"
        for name, value in there.items()
        if name not in missing and _shape(held[name].value) != _shape(value)
    ]
    told = [
        _some("lacks", missing),
        _some("also has", unexpected),
        _some("has other shapes:", differing),
    ]
    said = "; it ".join(words for words in told if words)
    if said:
        raise ContractBroken(
            f"the checkpoint does not fit the model that build() makes: it {said}. Build the model with the sizes and "
            "options that the checkpoint was trained with, on the same catalogue"
        )


def _unexpected(held: Mapping[str, Held], known: set[str], fit: Fit) -> list[str]:
    """Tensors of the file beside those that are known, in the same mappings and behind the same prefix."""
    owners = {held[name].owner for name in known if name in held}
    return [
        name
        for name, found in held.items()
        if name not in known
        and is_array(found.value)
        and found.owner in owners
        and name.startswith(fit.prefix)
    ]


def _some(words: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{words} {', '.join(names[:NAMED])}{more}"


def _rebuilt(expected: Any, taken: Mapping[str, Any], owner: str) -> Any:
    """`expected` with the values of the file, each of the kind (tensor or array) that stood there."""
    built = type(expected)() if isinstance(expected, dict) else {}
    for name, value in expected.items():
        whole = f"{owner}{name}"
        if isinstance(value, Mapping):
            built[name] = _rebuilt(value, taken, f"{whole}.")
        elif plain(whole) in taken:
            built[name] = _of_the_kind(taken[plain(whole)], value)
        else:
            built[name] = value
    return built


def _of_the_kind(value: Any, like: Any) -> Any:
    """A tensor where a tensor stood, an array where an array stood."""
    if hasattr(like, "detach") and not hasattr(value, "detach"):
        torch: Any = sys.modules["torch"]  # it is there, as a tensor stood here
        return torch.as_tensor(value)
    if hasattr(value, "detach") and not hasattr(like, "detach"):
        return value.detach().cpu().numpy()
    return value
