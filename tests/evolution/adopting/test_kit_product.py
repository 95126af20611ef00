"""The whole product on a stranger's script through the kit: it names planted defects on the script's lines, and is silent on a
healthy one."""

from pathlib import Path

import pytest

from tests.defects.product import diagnose
from tests.evolution.adopting.strangers import CALLED, FLAT, write_stranger

pytestmark = [pytest.mark.training, pytest.mark.process, pytest.mark.timeout(1200)]
NOT_CLEARED = ("optimizer.zero_grad()\n", "optimizer\n")
OWN_INPUT = ("seqs, targets = batch\n", "seqs, targets = batch[0], batch[0]\n")


@pytest.mark.parametrize(
    ("script", "edit", "code", "line"),
    [
        (FLAT, NOT_CLEARED, "gradients-not-cleared", "optimizer.step()"),
        (CALLED, OWN_INPUT, "target-is-input", "criterion(scores"),
    ],
    ids=["flat-not-cleared", "called-own-input"],
)
def test_a_planted_defect_is_named_on_the_scripts_line(
    tmp_path: Path, own_configuration: Path, script: str, edit: tuple[str, str], code: str, line: str
) -> None:
    assert script.count(edit[0]) == 1
    repo = write_stranger(tmp_path / "repo", script.replace(*edit))
    lines = (repo / "train.py").read_text().splitlines()
    found = {one.code: one for one in diagnose(repo, own_configuration)}
    assert code in found
    places = {(path, n) for path, start, end in found[code].anchors for n in range(start, end + 1)}
    assert ("train.py", next(n for n, text in enumerate(lines, 1) if line in text)) in places
    assert all(path in ("train.py", "data.py", "model.py", "adapter.py") for path, _ in places)


@pytest.mark.parametrize("script", [FLAT, CALLED], ids=["flat", "called"])
def test_a_healthy_script_is_accused_of_nothing(tmp_path: Path, own_configuration: Path, script: str) -> None:
    repo = write_stranger(tmp_path / "repo", script)
    causes = [one for one in diagnose(repo, own_configuration) if one.nature == "cause"]
    assert causes == []
