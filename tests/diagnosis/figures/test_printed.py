"""Figures are read as people, loops and libraries print them."""

import pytest

from diagnosis.figures.printed import chosen, read_figures

LOOP = (
    "epoch:20, time: 3.1(s), valid (NDCG@10: 0.5412, HR@10: 0.7890), test (NDCG@10: 0.5110, HR@10: 0.7651)\n"
    "...Evaluating...epoch:40, time: 6.0(s), valid (NDCG@10: 0.53, HR@10: 0.78), test (NDCG@10: 0.50, HR@10: 0.75)\n"
)


@pytest.mark.parametrize(
    ("text", "part", "figures"),
    [
        ("HR = 0.6534, NDCG = 0.3925\ntopk = 10", "", {"HR@10": 0.6534, "NDCG@10": 0.3925}),
        ("test result: {'recall@20': 0.09, 'ndcg@20': 0.05}", "test", {"Recall@20": 0.09, "NDCG@20": 0.05}),
        ("valid result:\nrecall@10 : 0.11    mrr@10 : 0.05\nhit@10 : 0.21", "validation", {"Recall@10": 0.11, "MRR@10": 0.05, "HR@10": 0.21}),
        ('{"test": {"HR": {"10": 0.51}, "NDCG@10": 0.3}, "loss": 0.2}', "test", {"HR@10": 0.51, "NDCG@10": 0.3}),
        ("| Model | HR@10 | NDCG@10 |\n|---|---|---|\n| ours | **82.4** | 59.1 |", "", {"HR@10": 0.824, "NDCG@10": 0.591}),
        ("model,recall@20,ndcg@20\nours,0.1824,0.1555", "", {"Recall@20": 0.1824, "NDCG@20": 0.1555}),
        ("Hit Ratio @ 10 is 45.2%, MRR 0.21", "", {"HR@10": 0.452, "MRR": 0.21}),
        ("{'recall': array([0.1555]), 'ndcg': array([0.1299])} topks=[20]", "", {"Recall@20": 0.1555, "NDCG@20": 0.1299}),
        ("val_hit_rate_5: 0.31 val_n-dcg_5: 0.2", "validation", {"HR@5": 0.31, "NDCG@5": 0.2}),
    ],
)  # fmt: skip
def test_spellings(text, part, figures):
    (group,) = read_figures(text)
    assert group.part == part
    assert {f.name: round(f.value, 6) for f in group.figures} == figures


@pytest.mark.parametrize(
    "text", ["", "loss 0.33 in three hours", "train HR@10: 0.9", "HR@10", "chr 0.5", "[1, 2"]
)
def test_what_is_no_figure(text):
    assert read_figures(text) == []


def test_the_best_and_the_last_of_each_part_are_compared():
    picked = chosen(read_figures(LOOP))
    assert [(group.part, group.epoch) for group in picked] == [
        ("validation", 20), ("validation", 40), ("test", 20), ("test", 40),
    ]  # fmt: skip


def test_the_last_digit_says_how_exact_a_figure_is():
    (group,) = read_figures("HR@10 0.47 NDCG@10 31.25%")
    assert [figure.half_unit for figure in group.figures] == pytest.approx([0.005, 0.00005])
