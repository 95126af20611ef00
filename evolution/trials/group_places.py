"""Where control groups could be made on this machine, as far as its files tell: below our own group (cgroup v1), beside
it, or below the root (cgroup v2). `enforcement` tries them.

A worker never gets out of a limit that somebody has set on us: a group of v1 lies below our own, and with v2, where a group
that has processes cannot have others below it, our own is left only where nothing limits it.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_NEEDED = ("memory", "pids")
# What a group of v2 may hold against its processes; systemd sets pids.max on all that it starts.
_LIMITS_ON_US = ("memory.max", "memory.high", "memory.swap.max", "cpu.max", "cpuset.cpus")


class Kind(StrEnum):
    """The version of the kernel's interface."""

    V1 = "cgroup v1"
    V2 = "cgroup v2"


@dataclass(frozen=True, kw_only=True)
class GroupPlace:
    """parents: folders in which ours are made, that of memory first. by_systemd: its scopes appear there, we make none."""

    kind: Kind
    parents: tuple[Path, ...]
    by_systemd: bool = False


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """A hierarchy of control groups as it is mounted. own: the folder of the group that this process is in."""

    kind: Kind
    controllers: frozenset[str]
    top: Path
    own: Path


def hierarchies() -> list[Hierarchy]:
    """Those that this process is in; [] where there is none."""
    return list(mounted(_text("/proc/self/mountinfo"), _text("/proc/self/cgroup")))


def mounted(mountinfo: str, own_groups: str) -> Iterator[Hierarchy]:
    """The hierarchies that /proc/self/mountinfo and /proc/self/cgroup tell of, as far as our own group is in sight."""
    own = dict[str, str]()
    for line in own_groups.splitlines():
        _, names, path = line.split(":", 2)
        own |= dict.fromkeys(names.split(",") if names else ["v2"], path)
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, top = before.split()[3:5]
        words = after.split()
        if words[0] not in ("cgroup", "cgroup2"):
            continue
        controllers = frozenset(words[2].split(",") if words[0] == "cgroup" else ["v2"])
        path = next((own[name] for name in sorted(controllers) if name in own), None)
        if path is not None and Path(path).is_relative_to(root):
            yield Hierarchy(
                kind=Kind.V1 if words[0] == "cgroup" else Kind.V2,
                controllers=controllers,
                top=Path(top),
                own=Path(top) / Path(path).relative_to(root),
            )


def direct_places(hierarchies: Sequence[Hierarchy]) -> Iterator[GroupPlace]:
    """Places where a folder is all that a group takes, as far as their files tell."""
    first = {name: h for h in reversed(hierarchies) if h.kind is Kind.V1 for name in h.controllers}
    if "memory" in first and _text(first["memory"].own / "memory.use_hierarchy").strip() in ("", "1"):
        folders = tuple(first[name].own for name in _NEEDED if name in first)
        if all(_is_ours_to_change(folder) for folder in folders):
            yield GroupPlace(kind=Kind.V1, parents=tuple(dict.fromkeys(folders)))
    for hierarchy in hierarchies:
        if hierarchy.kind is Kind.V2:
            parent = _v2_parent(hierarchy)
            if parent is not None and _is_ours_to_change(parent) and _delegates(parent):
                yield GroupPlace(kind=Kind.V2, parents=(parent,))


def _v2_parent(hierarchy: Hierarchy) -> Path | None:
    """The machine's root group, if we are in it; else the group that ours lies in, if none of its limits is left so."""
    own = hierarchy.own
    if not (own / "cgroup.type").exists():
        return own
    return own.parent if own != hierarchy.top and not is_limited(own) else None


def is_limited(group: Path) -> bool:
    """Whether somebody limits a group of v2 more than systemd does by itself."""
    return any(_text(group / name).split()[:1] not in ([], ["max"]) for name in _LIMITS_ON_US)


def _delegates(group: Path) -> bool:
    return set(_NEEDED) <= set(_text(group / "cgroup.subtree_control").split())


def _is_ours_to_change(group: Path) -> bool:
    return os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
