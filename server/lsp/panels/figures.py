"""Figures for the views: a number, its 95 % interval or none, and its text for people."""

from evolution.domain.proposal import Corrected, Effect
from evolution.domain.trial import Metric
from server.lsp.panels.asking import Document
from server.shown.wording import bracketed, change, gain, kept_effect, with_interval


def figure(value: float, low: float | None, high: float | None, unit: str = "") -> Document:
    """A number with its interval as the views' JSON."""
    return {
        "value": value,
        "low": low,
        "high": high,
        "unit": unit,
        "text": with_interval(value, low, high, unit),
        "short": bracketed(value, low, high, unit),
    }


def of_metric(metric: Metric | None) -> Document | None:
    """A metric as the views' JSON; None for no metric."""
    return figure(metric.value, metric.low, metric.high) if metric else None


def of_effect(effect: Effect | None, corrected: Corrected | None = None) -> Document | None:
    """The change in percent of the value before; as a difference if that value was 0. corrected: what is left of it after the
    choice among several, which then counts; `text` tells both.
    """
    kept = kept_effect(effect, corrected)
    if effect is None or kept is None:
        return None
    scale, unit = (100 / abs(kept.before), "%") if kept.before else (1.0, "")
    return {
        "value": (kept.after - kept.before) * scale,
        "low": kept.low * scale,
        "high": kept.high * scale,
        "unit": unit,
        "text": change(effect, corrected),
        "short": gain(kept),
    }
