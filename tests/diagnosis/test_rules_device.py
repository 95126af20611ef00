"""What only a device of its own costs is no finding where training is set to the CPU."""

from diagnosis.rules.check import check_sources
from diagnosis.rules.findings import on_device

CODE = """
def train(model, batches, optimizer):
    total = 0.0
    for batch in batches:
        loss = model(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
    return total
"""


def test_reading_a_loss_costs_nothing_on_the_cpu():
    hits = check_sources({"m.py": CODE})
    assert "loss-read-at-every-step" in {hit.code for hit in on_device(hits, "auto")}
    assert "loss-read-at-every-step" not in {hit.code for hit in on_device(hits, "cpu")}
    assert [hit for hit in hits if hit.code != "loss-read-at-every-step"] == on_device(hits, "cpu")
