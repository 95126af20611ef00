"""Values over trials as a small plot: a line of characters for terminals, an SVG for pages."""

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
WIDTH, HEIGHT, MARGIN = 160, 32, 4  # pixels


def sparkline(values: Sequence[float]) -> str:
    """One character for each value, the lowest the lowest bar; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    return "".join(BARS[round(share * (len(BARS) - 1))] for share in _shares(values))


def small_svg(values: Sequence[float], label: str) -> str:
    """The values as a line, oldest first, on one line of text; "" for fewer than two. label: what screen readers say;
    letters, digits and blanks of it are kept.
    """
    if len(values) < 2:
        return ""
    step = (WIDTH - 2 * MARGIN) / (len(values) - 1)
    points = [
        (MARGIN + at * step, HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN))
        for at, share in enumerate(_shares(values))
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    said = "".join(sign for sign in label if sign.isalnum() or sign in " -.")
    dot = f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.5" fill="currentColor"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{said}">'
        f'<polyline fill="none" stroke="currentColor" stroke-width="1.5" points="{line}"/>{dot}</svg>'
    )


def _shares(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]
