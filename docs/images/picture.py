"""What the pictures of detectors are drawn with: panels one above the other, over the same time, as SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

FONT = 'font-family="sans-serif" font-size="12"'
WIDTH, LEFT, RIGHT, TOP, BELOW, BETWEEN = 720, 50, 10, 22, 34, 30
COLOURS = {"Healthy": "#2a6", "Breach": "#b00", "Inconclusive": "#999", "Error": "#999"}
BLUE, GREY, RED = "#36c", "#444", "#b00"
Point = tuple[float, float]


@dataclass
class Panel:
    """One picture of values between ``low`` and ``high``, ``height`` points tall; ``title`` says what they are."""

    title: str
    low: float
    high: float
    ticks: Sequence[float]
    height: int = 150
    parts: list[tuple[str, object]] = field(default_factory=list)

    def dots(self, points: Iterable[Point], colour: str | Sequence[str], radius: float = 2.6) -> None:
        """A dot a point; one colour, or one a dot."""
        self.parts.append(("dots", (list(points), colour, radius)))

    def line(self, points: Iterable[Point], colour: str = BLUE, dashes: str = "") -> None:
        """A line through points."""
        self.parts.append(("line", (list(points), colour, dashes)))

    def bars(self, points: Iterable[Point], colour: str | Sequence[str]) -> None:
        """A bar from the bottom a point."""
        self.parts.append(("bars", (list(points), colour)))

    def limit(self, value: float, text: str) -> None:
        """A dashed line all across."""
        self.parts.append(("limit", (value, text)))

    def note(self, at: Point, text: str, colour: str = GREY, anchor: str = "start") -> None:
        """A word at a point."""
        self.parts.append(("note", (at, text, colour, anchor)))


@dataclass
class Picture:
    """Panels over times from 0 to ``last``; ``marks`` are times at which something happened, with what."""

    last: float
    time: str
    panels: Sequence[Panel]
    marks: Sequence[tuple[float, str]] = ()

    def write(self, path: Path) -> None:
        """Draw it."""
        path.write_text(self.svg())

    def svg(self) -> str:
        """The text of it."""
        height = TOP + sum(p.height for p in self.panels) + BETWEEN * (len(self.panels) - 1) + BELOW
        drawn = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        ]
        for at, text in self.marks:
            anchor, gap = ("end", -5) if at > self.last / 2 else ("start", 5)
            drawn.append(
                f'<line x1="{self._x(at):.1f}" x2="{self._x(at):.1f}" y1="{TOP}" y2="{height - BELOW}" stroke="#888" '
                f'stroke-dasharray="2 3"/>'
                f'<text x="{self._x(at) + gap:.1f}" y="{TOP - 8}" text-anchor="{anchor}" fill="{GREY}">{escape(text)}</text>'
            )
        top = TOP
        for panel in self.panels:
            drawn += self._panel(panel, top)
            top += panel.height + BETWEEN
        drawn.append(
            f'<text x="{WIDTH - RIGHT}" y="{height - 8}" text-anchor="end" fill="{GREY}">{self.time}</text></svg>\n'
        )
        return "\n".join(drawn)

    def _x(self, at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * at / self.last

    def _panel(self, panel: Panel, top: int) -> list[str]:
        def y(value: float) -> float:
            inside = min(max(value, panel.low), panel.high)
            return top + panel.height * (panel.high - inside) / (panel.high - panel.low)

        found = []
        for tick in panel.ticks:
            found.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e4e4e4"/>'
                f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="{GREY}">{tick:g}</text>'
            )
        found.append(f'<text x="{LEFT}" y="{top + panel.height + 16}" fill="{GREY}">{escape(panel.title)}</text>')
        for kind, what in panel.parts:
            found += getattr(self, f"_{kind}")(y, *what)  # type: ignore[misc]
        return found

    def _dots(self, y, points, colour, radius) -> list[str]:  # type: ignore[no-untyped-def]
        return [
            f'<circle cx="{self._x(at):.1f}" cy="{y(value):.1f}" r="{radius}" fill="{c}"/>'
            for (at, value), c in zip(points, _each(colour, points), strict=True)
        ]

    def _bars(self, y, points, colour) -> list[str]:  # type: ignore[no-untyped-def]
        floor = y(float("-inf"))
        return [
            f'<line x1="{self._x(at):.1f}" x2="{self._x(at):.1f}" y1="{floor:.1f}" y2="{y(value):.1f}" stroke="{c}" '
            'stroke-width="3"/>'
            for (at, value), c in zip(points, _each(colour, points), strict=True)
        ]

    def _line(self, y, points, colour, dashes) -> list[str]:  # type: ignore[no-untyped-def]
        path = " ".join(f"{self._x(at):.1f},{y(value):.1f}" for at, value in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashed}/>']

    def _limit(self, y, value, text) -> list[str]:  # type: ignore[no-untyped-def]
        return [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{RED}" '
            f'stroke-dasharray="6 4"/>'
            f'<text x="{LEFT + 6}" y="{y(value) - 5:.1f}" fill="{RED}">{escape(text)}</text>'
        ]

    def _note(self, y, at, text, colour, anchor) -> list[str]:  # type: ignore[no-untyped-def]
        return [
            f'<text x="{self._x(at[0]):.1f}" y="{y(at[1]):.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
        ]


def _each(colour, points):  # type: ignore[no-untyped-def]
    return [colour] * len(points) if isinstance(colour, str) else colour
