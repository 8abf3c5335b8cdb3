"""Parts of an SVG that is drawn by hand: scales, ticks, and the few shapes that a chart needs."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

Scale = Callable[[float], float]
INK, SOFT, RULE = "#222", "#5f6368", "#e3e5e8"
_TIMES = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
    2_592_000,
)
_MOST_TICKS = 8


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """From values between ``low`` and ``high`` to places between ``start`` and ``end``."""
    width = (high - low) or 1.0
    return lambda value: start + (end - start) * (value - low) / width


def time_ticks(first: float, last: float) -> list[tuple[float, str]]:
    """Round moments (seconds since the epoch) with what to write at them, in UTC."""
    step = next((s for s in _TIMES if (last - first) / s <= _MOST_TICKS), 31_536_000)
    form = "%Y-%m-%d" if step >= 86_400 else "%m-%d %H:%M" if step >= 60 else "%H:%M:%S"
    places = range(math.ceil(first / step), math.floor(last / step) + 1)
    return [(n * step, datetime.fromtimestamp(n * step, UTC).strftime(form)) for n in places]


def duration_ticks(longest: float) -> list[float]:
    """Round durations from 0 s up."""
    step = next((s for s in _TIMES if longest / s <= _MOST_TICKS), 31_536_000)
    return [float(n * step) for n in range(math.floor(longest / step) + 1)]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values between the two."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= rough)
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def text(
    x: float, y: float, words: str, anchor: str = "start", fill: str = INK, size: int = 12, weight: str = ""
) -> str:
    """Words at a place; what they hold is escaped."""
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}"{bold}>'
        f"{escape(words)}</text>"
    )


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    stroke: str = RULE,
    width: float = 1.0,
    dash: str = "",
    told: str = "",
) -> str:
    """A straight line; ``told`` is shown where a pointer rests on it."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    shape = (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
        f'stroke-width="{width:g}"{dashed}'
    )
    return f"{shape}><title>{escape(told)}</title></line>" if told else f"{shape}/>"


def box(x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0, told: str = "") -> str:
    """A filled rectangle, at least a hair wide; ``told`` is shown where a pointer rests on it."""
    shape = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.6):.1f}" height="{height:.1f}" fill="{fill}" '
        f'fill-opacity="{opacity:g}"'
    )
    return f"{shape}><title>{escape(told)}</title></rect>" if told else f"{shape}/>"


def dot(x: float, y: float, radius: float, fill: str, stroke: str, told: str = "") -> str:
    """A circle."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}" stroke="{stroke}" stroke-width="1.6">'
        f"<title>{escape(told)}</title></circle>"
    )


def path(points: Sequence[tuple[float, float]], stroke: str, width: float = 1.4, fill: str = "none") -> str:
    """A line through points; closed where it is filled."""
    if not points:
        return ""
    body = " ".join(f"{'L' if n else 'M'}{x:.1f} {y:.1f}" for n, (x, y) in enumerate(points))
    close = " Z" if fill != "none" else ""
    return f'<path d="{body}{close}" fill="{fill}" stroke="{stroke}" stroke-width="{width:g}" stroke-linejoin="round"/>'


def document(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """The whole file; it loads nothing."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label={quoteattr(title)} font-family="system-ui, sans-serif">'
    )
    return "\n".join([head, f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>', *parts, "</svg>", ""])
