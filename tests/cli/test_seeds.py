"""An untouched seed is healthy: it keeps the contract, beats popularity, and no cause is found in it."""

import pytest

from seeds.new import seed_names


@pytest.mark.training
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", seed_names())
def test_an_untouched_seed_keeps_its_contract_and_has_no_cause(evolverec, tmp_path, seed):
    repo = tmp_path / "shop"
    assert evolverec("new", seed, repo, "--data", "shop-micro").code == 0
    config = repo / "evolverec.toml"
    config.write_text(config.read_text().replace("max_epochs = 60", "max_epochs = 25"))

    trained = evolverec("train", repo, "--trust", "--json").document
    assert trained["status"] == "complete", trained
    checked = evolverec("check", repo)
    assert checked.code == 0 and "contract: same-seed" in checked.out
    findings = evolverec("diagnose", repo, "--json").document["findings"]
    assert [found["code"] for found in findings if found["nature"] == "cause"] == []
    assert not {"weaker-than-popularity", "not-learning"} & {found["code"] for found in findings}
