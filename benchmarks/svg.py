"""A small SVG writer: one card, texts, bars and lines in a few named styles.

The card brings its own background, so it reads on any page, and it follows the reader's light or dark setting.
"""

from __future__ import annotations

from html import escape

WIDTH = 880

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"

_SHAPES = f"""
text {{ font-family: {_FONT}; font-size: 12px; font-variant-numeric: tabular-nums; }}
.title {{ font-size: 20px; font-weight: 650; }}
.heading {{ font-size: 14px; font-weight: 650; }}
.strong, .value-ours {{ font-weight: 650; }}
.small {{ font-size: 11px; }}
.limit {{ stroke-width: 1.5; }}
.grid {{ stroke-width: 1; }}
"""

_LIGHT = {
    ".card": "fill: #ffffff; stroke: #d1d9e0",
    ".title, .heading, .strong, .label": "fill: #1f2328",
    ".muted, .small": "fill: #59636e",
    ".ours": "fill: #2563c9",
    ".random": "fill: #153e85",
    ".inside": "fill: #1f2328",
    ".value-ours": "fill: #1d4f9f",
    ".peer": "fill: #b6c0cb",
    ".track": "fill: #e4e8ed",
    ".grid": "stroke: #e4e8ed",
    ".limit": "stroke: #b3410e",
    ".limit-text": "fill: #b3410e",
    ".gap": "fill: #ffffff",
}

_DARK = {
    ".card": "fill: #0d1117; stroke: #3d444d",
    ".title, .heading, .strong, .label": "fill: #f0f6fc",
    ".muted, .small": "fill: #9aa4af",
    ".ours": "fill: #4a8df0",
    ".random": "fill: #a5c8ff",
    ".inside": "fill: #f0f6fc",
    ".value-ours": "fill: #8ab8ff",
    ".peer": "fill: #5d6773",
    ".track": "fill: #262d36",
    ".grid": "stroke: #262d36",
    ".limit": "stroke: #f0883e",
    ".limit-text": "fill: #f0883e",
    ".gap": "fill: #0d1117",
}


class Canvas:
    """Collects shapes, then writes them as one document. Units are pixels, y grows downwards."""

    def __init__(self, title: str, description: str) -> None:
        """Begin a drawing.

        Args:
            title: What a screen reader says it is.
            description: What it shows, in words.
        """
        self._title = title
        self._description = description
        self._shapes: list[str] = []

    def text(self, x: float, y: float, text: str, style: str = "label", anchor: str = "start") -> None:
        """Write a text whose baseline is at y; anchor is ``start``, ``middle`` or ``end``."""
        self._shapes.append(
            f'<text x="{_number(x)}" y="{_number(y)}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def bar(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Draw a bar to the right of x and below y."""
        size = f'width="{_number(max(width, 0.5))}" height="{_number(height)}"'
        self._shapes.append(f'<rect x="{_number(x)}" y="{_number(y)}" {size} rx="1.5" class="{style}"/>')

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str, dashes: str = "") -> None:
        """Draw a straight line, dashed where dashes says so."""
        (x1, y1), (x2, y2) = start, end
        ends = f'x1="{_number(x1)}" y1="{_number(y1)}" x2="{_number(x2)}" y2="{_number(y2)}"'
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._shapes.append(f'<line {ends} class="{style}"{dashed}/>')

    def gap(self, x: float, y: float, height: float) -> None:
        """Cut a bar open, to say that it is longer than drawn."""
        slant = height / 2
        corners = [(x, y + height), (x + slant, y), (x + slant + 5, y), (x + 5, y + height)]
        points = " ".join(f"{_number(left)},{_number(top)}" for left, top in corners)
        self._shapes.append(f'<polygon points="{points}" class="gap"/>')

    def to_svg(self, height: float) -> str:
        """Write the document."""
        size = f'width="{WIDTH}" height="{_number(height)}" viewBox="0 0 {WIDTH} {_number(height)}"'
        dark = "@media (prefers-color-scheme: dark) {\n" + _rules(_DARK) + "\n}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
                f'<title id="title">{escape(self._title)}</title>',
                f'<desc id="description">{escape(self._description)}</desc>',
                f"<style>{_SHAPES}{_rules(_LIGHT)}\n{dark}\n</style>",
                f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{_number(height - 1)}" rx="8" class="card"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )


def _rules(colours: dict[str, str]) -> str:
    return "\n".join(f"{selector} {{ {style} }}" for selector, style in colours.items())


def _number(value: float) -> str:
    """Write a coordinate with at most one decimal, so that a drawing changes only where its figures do."""
    return f"{value:.1f}".removesuffix(".0")
