"""What a job shows where stderr is a file or a pipe: lines instead of bars, and not one for every epoch."""

import re

from evolution.domain.job import Event, EventType
from server.cli.live import LiveView


def epoch(number: int, t: float) -> Event:
    data = {
        "trial": "t1", "label": "your version", "epoch": number, "epochs": 60, "loss": 0.5,
        "metric": "NDCG@10", "value": 0.1, "left_s": 9.0,
    }  # fmt: skip
    return Event(t=t, type=EventType.EPOCH, message="", data=data)


def shown(capsys, events: list[Event]) -> list[str]:
    with LiveView() as view:
        for event in events:
            view.show(event)
    return [line for line in capsys.readouterr().err.splitlines() if line.strip()]


def test_a_piped_training_says_every_ten_seconds_how_far_it_is(capsys):
    lines = shown(capsys, [epoch(n, 100.0 + 2 * n) for n in range(1, 13)])
    assert [re.findall(r"epoch (\d+)/60", line) for line in lines] == [["1"], ["6"], ["11"]]
    assert lines[0].startswith("your version: epoch 1/60") and "NDCG@10 .100" in lines[0]


def test_slow_epochs_have_a_line_each(capsys):
    assert len(shown(capsys, [epoch(n, 60.0 * n) for n in range(1, 5)])) == 4


def test_a_stage_is_told_too(capsys):
    stage = Event(t=5.0, type=EventType.PROGRESS, message="your version: importing", data={"trial": "t1"})
    assert shown(capsys, [stage]) == ["your version: importing"]
