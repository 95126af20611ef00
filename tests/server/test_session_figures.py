"""Figures of simulated users' sessions stand in the editor beside accuracy, with what they are figures of."""

from evolution.domain.trial import Metric

ASKED = {"users": 200, "auc": {"value": 0.86, "low": 0.83, "high": 0.89}, "no_vote": "", "lacking": []}
NO_VOTE = "on their users' real next choices they are not surely better than chance"
FIGURES = {
    "NDCG@10": Metric(value=0.142, low=0.138, high=0.146),
    "satisfy@session": Metric(value=5.5, low=5.375, high=5.625),
}


async def test_the_hover_tells_satisfy_with_its_interval_and_of_how_many_users(connect, records, sample):
    records.trial(note={"sessions": ASKED}, metrics=FIGURES)
    records.feedback(records.finding())
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    said = (await editor.hover(uri, sample.entry)).contents.value
    assert "satisfy@session" in said and "5.5 ± .125" in said
    assert "whole sessions of 200 simulated users; satisfy from 1 to 10" in said


async def test_figures_of_users_at_chance_level_come_with_a_remark(connect, records, sample):
    records.trial(note={"sessions": {**ASKED, "no_vote": NO_VOTE}}, metrics=FIGURES)
    records.feedback(records.finding())
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    remarks = (await editor.ask("findings"))["remarks"]
    assert f"@session figures are not to be believed: {NO_VOTE}" in remarks
