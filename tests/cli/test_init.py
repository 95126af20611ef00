"""`evolverec init` in a terminal."""

from tests.evolution.adopting.test_init_reading import HEAD, MODEL, NET, STEP


def test_it_says_what_was_found_and_what_is_missing(evolverec, tmp_path):
    (tmp_path / "main.py").write_text(
        f"{HEAD}import loader\nrows = loader.rows()\n{MODEL}for epoch in range(3):{STEP}"
    )
    (tmp_path / "net.py").write_text(NET)
    done = evolverec("init", str(tmp_path), "--yes", "--data", "shop-micro")
    assert done.code == 1
    assert "wrote adapter.py, evolverec_kit.py, evolverec.toml" in done.out
    assert "missing: adapter.py:" in done.out
    assert "fill in: kit.write_events" in done.out


def test_check_says_without_consent_what_is_named_in_vain(evolverec, tmp_path):
    (tmp_path / "evolverec.toml").write_text(
        '[recommender]\nentry = "modle:build"\n\n[data]\nsource = "shop-micro"\n'
    )
    (tmp_path / "model.py").write_text("def build(data, *, device, seed):\n    return None\n")
    done = evolverec("check", str(tmp_path))
    assert done.code == 1
    assert "evolverec.toml:2: recommender.entry: there is no modle.py in this repo" in done.out
    assert "model:build" in done.out


def test_a_json_document_names_every_gap_once(evolverec, tmp_path):
    (tmp_path / "main.py").write_text("print('hello')\n")
    done = evolverec("init", str(tmp_path), "--json", "--data", "shop-micro")
    document = done.document
    places = [(gap["path"], gap["line"]) for gap in document["missing"]]
    assert len(places) == len(set(places)) == 2
    assert not any((one["path"], one["line"]) in places for one in document["check"]["problems"])
    assert (document["questions"], document["check"]["ok"]) == (0, False)
