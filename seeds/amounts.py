"""The one style of numbers that people read: `.184`, `4.3 %`. What a number means stands beside it."""


def number(value: float) -> str:
    """Three digits behind the point, or three in all, without the zero before the point: .142, .0015, 1.5, 12.3, 12,345."""
    if not value:
        return "0"
    size = abs(value)
    if size >= 1e9:  # a loss that diverges
        return f"{value:.1e}"
    if size >= 999.5:
        return f"{value:,.0f}"
    text = f"{value:.3f}" if size < 0.9995 else f"{value:.3g}"
    if 0.001 <= size < 0.01:
        text = max(text, f"{value:.2g}", key=len)
    if size < 0.001 and value:
        text = f"{value:.1e}"
    if "e" not in text:
        text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    return text


def short(value: float) -> str:
    """A share or probability with two digits, `.85`; anything else as `number` has it, whole numbers without a point."""
    if 0.005 <= abs(value) < 0.995:
        return f"{value:.2f}".replace("0.", ".", 1)
    return number(value) if value % 1 else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share in percent: `85 %`, and with a decimal where whole digits would not tell: `4.3 %`, `99.7 %`, `.04 %`.

    Only what is exactly all or none reads `100 %` or `0 %`.
    """
    whole = round(100 * share, 6) or 0.0  # what a sum of rounded terms is off counts for nothing
    if not whole or abs(whole) >= 100 or 9.95 <= abs(whole) < 99.5:
        return f"{whole:,.0f} %"
    if abs(whole) >= 99.5:
        return f"{max(-99.9, min(whole, 99.9)):.1f} %"
    digits = f"{whole:.1f}" if abs(whole) >= 0.095 else f"{whole:.1g}"
    return digits.replace("0.", ".", 1) + " %" if abs(whole) < 1 and "e" not in digits else f"{digits} %"


def signed(value: float) -> str:
    """A difference with its sign: `+.029`; none reads `0`."""
    return "0" if not value else ("-" if value < 0 else "+") + number(abs(value))


def percent_within(share: float, low: float, high: float) -> str:
    """A share with its 95 % interval in percent: `27 % [21, 34]`."""
    ends = (percent(end).removesuffix(" %") for end in (low, high))
    return f"{percent(share)} [{', '.join(ends)}]"


SHARE = "share"  # begins the units of shares, such as "share of events"


def figure(value: float, unit: str) -> str:
    """A value as its unit is read, without the unit's name: `64 %` of a share, `.640` of anything else."""
    return percent(value) if _is_share(unit) else number(value)


def amount(value: float, unit: str) -> str:
    """A value with its unit: `64 % of events` where that is "share of events", else `.640 dimensions`."""
    name = unit.removeprefix(SHARE).strip() if _is_share(unit) else unit
    return f"{figure(value, unit)} {name}".rstrip()


def _is_share(unit: str) -> bool:
    return unit == SHARE or unit.startswith(f"{SHARE} of ")
