"""What the pictures of detectors are drawn with: panels one above the other, over the same time, as SVG."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

FONT = 'font-family="sans-serif" font-size="12"'
WIDTH, LEFT, RIGHT, TOP, BELOW, BETWEEN = 720, 50, 10, 24, 36, 34
COLOURS = {"Healthy": "#2a6", "Breach": "#b00", "Inconclusive": "#999", "Error": "#999"}
BLUE, GREY, RED = "#36c", "#444", "#b00"
Point = tuple[float, float]
Place = Callable[[float], float]
Part = Callable[[Place, Place], str]


def text(x: float, y: float, words: str, colour: str = GREY, anchor: str = "start") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def stroke(a: Point, b: Point, colour: str, dashes: str = "", width: float = 1) -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


@dataclass
class Panel:
    """One picture of values between ``low`` and ``high``, ``height`` points tall; ``title`` says what they are."""

    title: str
    low: float
    high: float
    ticks: Sequence[float]
    height: int = 150
    parts: list[Part] = field(default_factory=list)

    def dots(self, points: Iterable[Point], colours: Iterable[str], radius: float = 2.6) -> None:
        """A dot a point, each of its colour."""
        known = list(zip(points, colours, strict=False))
        self.parts.append(
            lambda x, y: "\n".join(
                f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="{radius:g}" fill="{colour}"/>'
                for (at, value), colour in known
            )
        )

    def bars(self, points: Iterable[Point], colours: Iterable[str]) -> None:
        """A bar from the bottom a point, each of its colour."""
        known = list(zip(points, colours, strict=False))
        self.parts.append(
            lambda x, y: "\n".join(
                stroke((x(at), y(self.low)), (x(at), y(value)), colour, width=3) for (at, value), colour in known
            )
        )

    def line(self, points: Iterable[Point], colour: str = BLUE, dashes: str = "") -> None:
        """A line through points."""
        known = list(points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(
            lambda x, y: (
                f'<polyline points="{" ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in known)}" fill="none" '
                f'stroke="{colour}" stroke-width="1.5"{dashed}/>'
            )
        )

    def limit(self, value: float, words: str, right: bool = False) -> None:
        """A dashed line all across, and what it is."""
        at, anchor = (WIDTH - RIGHT - 4, "end") if right else (LEFT + 6, "start")
        self.parts.append(
            lambda x, y: (
                stroke((LEFT, y(value)), (WIDTH - RIGHT, y(value)), RED, "6 4")
                + text(at, y(value) - 5, words, RED, anchor)
            )
        )

    def note(self, at: Point, words: str, colour: str = GREY, anchor: str = "start") -> None:
        """Words at a point."""
        self.parts.append(lambda x, y: text(x(at[0]), y(at[1]), words, colour, anchor))


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
        top = TOP
        for panel in self.panels:
            drawn += self._panel(panel, top)
            top += panel.height + BETWEEN
        for at, words in self.marks:
            x, gap = self._x(at), -5 if at > self.last / 2 else 5
            drawn.append(stroke((x, TOP), (x, height - BELOW), "#888", "2 3"))
            drawn.append(text(x + gap, TOP - 8, words, anchor="end" if gap < 0 else "start"))
        drawn.append(text(WIDTH - RIGHT, height - 6, self.time, anchor="end") + "</svg>\n")
        return "\n".join(drawn)

    def _x(self, at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * at / self.last

    def _panel(self, panel: Panel, top: int) -> list[str]:
        def y(value: float) -> float:
            inside = min(max(value, panel.low), panel.high)
            return top + panel.height * (panel.high - inside) / (panel.high - panel.low)

        found = []
        for tick in panel.ticks:
            found.append(stroke((LEFT, y(tick)), (WIDTH - RIGHT, y(tick)), "#e4e4e4"))
            found.append(text(LEFT - 6, y(tick) + 4, f"{tick:g}", anchor="end"))
        found.append(text(LEFT, top + panel.height + 16, panel.title))
        return found + [part(self._x, y) for part in panel.parts]
