"""Where control groups could be made, by the files of machines of several kinds: never out of a limit that is set on us."""

import os
from pathlib import Path

import pytest

from evolution.trials.group_places import GroupPlace, Hierarchy, Kind, direct_places, mounted

V1 = """\
24 1 0:21 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
25 1 0:22 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
26 1 0:23 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
27 1 0:24 / /proc rw - proc proc rw
"""
V2 = "30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
IN_CONTAINER = "30 1 0:26 /docker/c0ffee /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
FILES = {"cgroup.procs": "", "cgroup.subtree_control": "cpu memory pids\n", "cgroup.type": "domain\n"}


def test_each_hierarchy_is_found_with_our_own_group():
    found = list(mounted(V1, "9:pids:/\n4:memory:/user/a\n2:cpu,cpuacct:/x\n0::/\n"))
    by_memory = next(h for h in found if "memory" in h.controllers)
    assert by_memory.kind is Kind.V1 and by_memory.own == Path("/sys/fs/cgroup/memory/user/a")
    (second,) = mounted(V2, "0::/user.slice/app.slice/editor.scope\n")
    assert second.kind is Kind.V2 and second.own == Path("/sys/fs/cgroup/user.slice/app.slice/editor.scope")


def test_a_container_sees_its_own_group_at_the_top_and_no_other():
    (own,) = mounted(IN_CONTAINER, "4:memory:/docker/c0ffee/inner\n")
    assert own.own == Path("/sys/fs/cgroup/memory/inner")
    assert list(mounted(IN_CONTAINER, "4:memory:/docker/other\n")) == []


@pytest.fixture
def second(tmp_path: Path) -> Hierarchy:
    """cgroup v2 as a desktop has it: our group holds processes, the one above is the user's."""
    own = tmp_path / "app.slice" / "terminal.scope"
    own.mkdir(parents=True)
    for folder in (own, own.parent):
        for name, text in FILES.items():
            (folder / name).write_text(text)
    (own / "memory.max").write_text("max\n")
    (own / "cpu.max").write_text("max 100000\n")
    (own / "pids.max").write_text("4915\n")
    return Hierarchy(kind=Kind.V2, controllers=frozenset({"v2"}), top=tmp_path, own=own)


def test_with_v2_a_group_lies_beside_ours(second):
    assert list(direct_places([second])) == [GroupPlace(kind=Kind.V2, parents=(second.own.parent,))]


@pytest.mark.parametrize(
    ("file", "text"), [("memory.max", "1073741824\n"), ("memory.high", "1\n"), ("cpu.max", "50000 100000\n")]
)
def test_a_limit_that_is_set_on_us_is_not_left(second, file, text):
    (second.own / file).write_text(text)
    assert list(direct_places([second])) == []


def test_what_is_not_handed_down_is_not_used(second):
    (second.own.parent / "cgroup.subtree_control").write_text("cpu pids\n")
    assert list(direct_places([second])) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_what_is_not_ours_is_not_used(second):
    second.own.parent.chmod(0o555)
    assert list(direct_places([second])) == []


def test_the_root_group_alone_takes_groups_beside_processes(tmp_path, second):
    (tmp_path / "cgroup.subtree_control").write_text("memory pids\n")
    (tmp_path / "cgroup.procs").write_text("")
    root = Hierarchy(kind=Kind.V2, controllers=frozenset({"v2"}), top=tmp_path, own=tmp_path)
    assert list(direct_places([root])) == [GroupPlace(kind=Kind.V2, parents=(tmp_path,))]
    at_top = Hierarchy(kind=Kind.V2, controllers=frozenset({"v2"}), top=second.own, own=second.own)
    assert list(direct_places([at_top])) == [], "a container's own top holds its processes"


def test_with_v1_a_group_lies_below_ours(tmp_path):
    found = []
    for name in ("memory", "pids"):
        own = tmp_path / name / "us"
        own.mkdir(parents=True)
        (own / "cgroup.procs").write_text("")
        found.append(Hierarchy(kind=Kind.V1, controllers=frozenset({name}), top=tmp_path / name, own=own))
    expected = (tmp_path / "memory" / "us", tmp_path / "pids" / "us")
    assert list(direct_places(found)) == [GroupPlace(kind=Kind.V1, parents=expected)]
    (tmp_path / "memory" / "us" / "memory.use_hierarchy").write_text("0\n")
    assert list(direct_places(found)) == [], "there a group below ours would be out of our limit"
