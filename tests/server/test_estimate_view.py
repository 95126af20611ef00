"""What an LLM is likely to cost is told before anything is asked."""

import os
from pathlib import Path

EDITOR = "visual-studio-code"


async def test_without_an_llm_nothing_costs_more_than_time(connect, records):
    editor = await connect(EDITOR)
    nothing = {"model": "", "priced": False, "evolve": "", "users": "", "adapter": ""}
    assert await editor.ask("estimate") == nothing | {"trialSeconds": None, "slots": 1}
    records.trial(wall_s=120.0)
    records.feedback(records.finding())
    timed = await editor.until("estimate", lambda told: told["trialSeconds"])
    assert timed["trialSeconds"] == 120.0 and timed["slots"] >= 1


async def test_with_prices_tokens_and_dollars_are_told_and_more_code_costs_more(
    connect, records, repo, monkeypatch
):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "wise-1")
    home = Path(os.environ["EVOLVEREC_CONFIG_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    with (home / "config.toml").open("a") as config:
        config.write('\n[llm]\nmodel = "wise-1"\n[llm.prices."wise-1"]\ninput = 2.0\noutput = 8.0\n')
    editor = await connect(EDITOR)
    told = await editor.ask("estimate")
    assert (told["model"], told["priced"]) == ("wise-1", True)
    assert told["users"].startswith("About 140,000 tokens ($0.39) for 20 users, by a rule of thumb")
    (repo / "more.py").write_text("# a line of code\n" * 1000)
    more = await editor.ask("estimate")
    assert _tokens(more["evolve"]) > _tokens(told["evolve"])
    assert more["users"] == told["users"]
    assert _tokens(more["adapter"]) > _tokens(told["adapter"]) and "at most 6 answers" in told["adapter"]


async def test_without_prices_no_dollars_are_told(connect, records, monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "wise-1")
    editor = await connect(EDITOR)
    told = await editor.ask("estimate")
    assert told["model"] == "wise-1" and not told["priced"]
    assert "tokens" in told["evolve"] and "$" not in told["evolve"] + told["users"]


def _tokens(words: str) -> int:
    return int(words.split()[1].replace(",", ""))
