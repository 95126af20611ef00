"""Probes that the user writes in `probes/`: measured beside ours, never a reason to train again, faults on their own lines."""

import pytest

TOP = '''"""Popular first: training events of the first item."""
{constants}


def measure(view):
    return view.popularity[view.lists[:, 0]]
'''


def own(document):
    return {f["code"]: f for f in document["findings"] if f["code"] in ("probe-fault", "user/top")}


@pytest.mark.training
@pytest.mark.timeout(300)
def test_an_edited_probe_is_run_again_on_the_stored_trial(evolverec, repo):
    (repo / "probes").mkdir()
    probe = repo / "probes" / "top.py"
    probe.write_text(TOP.format(constants='WARN_ABOVE = 0.5\nAT = "shelf.py:Shelf.fit"'))
    (repo / "probes" / "broken.py").write_text("def measure(view):\n    return 1 / 0\n")
    first = evolverec("diagnose", repo, "--trust", "--json").document
    found = own(first)
    assert found["user/top"]["title"] == "Popular first" and found["user/top"]["low"] is not None
    assert found["user/top"]["anchors"][0]["path"] == "shelf.py"
    fault = found["probe-fault"]["anchors"][0]
    assert (fault["path"], fault["start_line"]) == ("probes/broken.py", 2)
    assert any("1 fault in probes of yours: probes/broken.py:2" in line for line in first["verdict"]["lines"])

    probe.write_text(TOP.format(constants="WARN_ABOVE = 1e9"))
    (repo / "probes" / "broken.py").unlink()
    again = evolverec("diagnose", repo)
    assert "from the store" in again.err
    second = evolverec("diagnose", repo, "--json").document
    assert second["trial"] == first["trial"] and own(second) == {}
    assert second["verdict"]["status"] == first["verdict"]["status"]
    assert {m["code"]: m["healthy"] for m in second["measurements"]}["user/top"] is True

    explained = evolverec("explain", "user/top", repo)
    assert explained.code == 0 and "training events of the first item" in explained.out


def test_a_new_probe_is_begun_from_a_template_and_listed(evolverec, repo):
    assert evolverec("probes", repo).out.startswith("no file of probes/")
    assert evolverec("new-probe", repo, "long_tail").code == 0
    assert evolverec("new-probe", repo, "long_tail").code == 2
    assert evolverec("new-probe", repo, "../x").code == 2
    (repo / "probes" / "half.py").write_text("def measure(view):\n    return (\n")
    (repo / "probes" / "_helper.py").write_text("def measure(view):\n    return 1\n")
    listed = evolverec("probes", repo, "--json").document["probes"]
    assert [probe["code"] for probe in listed] == ["user/half", "user/long_tail"]
    assert [fault["line"] for probe in listed for fault in probe["faults"]] == [2]
    assert listed[1]["title"] == "Long tail" and listed[1]["reference"] == "at least 0.05"
    assert "probes/half.py:2" in evolverec("probes", repo).out
    checked = evolverec("check", repo, "--json").document
    assert "user/long_tail is a probe" in checked["passed"]
    assert [(p["path"], p["line"]) for p in checked["problems"] if "never closed" in p["message"]] == [
        ("probes/half.py", 2)
    ]
