"""Plots and stick figures as SVG text, so that the report needs no plotting library."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from backend.evaluation.benchmark.pictures import Histogram, Strip

COLOURS: Final = (
    "#4c4c4c", "#c44e52", "#4c72b0", "#55a868", "#dd8452", "#8172b3", "#937860", "#da8bc3",
)  # fmt: skip
_WIDE, _HIGH = 520, 320
_LEFT, _BOTTOM, _TOP, _RIGHT = 64, 48, 24, 130
# Centimetres a pose stands apart from the next, and the height that is shown.
_SPACING, _BELOW, _ABOVE = 90, 20, 220
_LIMBS: Final = ("#4c72b0", "#c44e52", "#4c4c4c", "#4c72b0", "#c44e52")
# The view is from half left in front: right is this mixture of x and z.
_RIGHTWARD: Final = (0.82, -0.57)


def scatter(points: Mapping[str, tuple[float, float]], across: str, up: str, target: str) -> str:
    """Named points (x, y); the one called `target` is drawn as a ring to aim for."""
    xs, ys = zip(*points.values(), strict=True)
    x_of, x_ticks = _scale(xs, _LEFT, _WIDE - _RIGHT)
    y_of, y_ticks = _scale(ys, _HIGH - _BOTTOM, _TOP)
    parts = [_axes(x_ticks, y_ticks, across, up)]
    for (name, (x, y)), colour in zip(points.items(), _cycle(len(points)), strict=True):
        ring = name == target
        fill = "none" if ring else colour
        size = 9 if ring else 5
        parts.append(
            f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="{size}" fill="{fill}" '
            f'stroke="{colour}" stroke-width="2"><title>{escape(name)}: {x:.3g}, {y:.3g}</title>'
            "</circle>"
        )
    parts.append(_legend(list(points)))
    return _svg(_WIDE, _HIGH, "".join(parts), f"{up} against {across}")


def bars(groups: Sequence[str], series: Mapping[str, Sequence[float]], up: str) -> str:
    """A group of bars for every name of `groups`, one bar per series in each; from 0."""
    wide = max(_WIDE, _LEFT + _RIGHT + len(groups) * (14 * len(series) + 18))
    highest = max((value for values in series.values() for value in values), default=0.0)
    y_of, y_ticks = _scale((0.0, max(highest, 0.1)), _HIGH - _BOTTOM, _TOP)
    parts = [_axes([], y_ticks, "", up, wide)]
    slot = (wide - _LEFT - _RIGHT) / len(groups)
    bar = (slot - 14) / len(series)
    for g, group in enumerate(groups):
        left = _LEFT + g * slot + 7
        for s, (values, colour) in enumerate(
            zip(series.values(), _cycle(len(series)), strict=True)
        ):
            top = y_of(values[g])
            parts.append(
                f'<rect x="{left + s * bar:.1f}" y="{top:.1f}" width="{bar * 0.9:.1f}" '
                f'height="{max(0.0, _HIGH - _BOTTOM - top):.1f}" fill="{colour}">'
                f"<title>{escape(group)}: {values[g]:.3g}</title></rect>"
            )
        parts.append(_text(left + slot / 2 - 7, _HIGH - _BOTTOM + 16, group, "middle"))
    parts.append(_legend(list(series), wide))
    return _svg(wide, _HIGH, "".join(parts), up)


def histogram(before: Histogram, after: Histogram) -> str:
    """Code counts before (upwards) and after (downwards), codes in order of their number before."""
    used = [code for code, n in enumerate(before.counts) if n or after.counts[code]]
    order = sorted(used, key=lambda code: -before.counts[code])
    most = max(*before.counts, *after.counts, 1)
    wide, middle = 760, 110
    step = (wide - 20) / max(len(order), 1)
    parts = []
    for place, code in enumerate(order):
        x = 10 + place * step
        for counts, colour, way in ((before.counts, COLOURS[0], -1), (after.counts, COLOURS[1], 1)):
            high = 90 * counts[code] / most
            y = middle - high if way < 0 else middle
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{step:.2f}" height="{high:.1f}" '
                f'fill="{colour}"/>'
            )
    parts.append(_text(10, 14, f"{before.method}: up, at most {most} times", "start", COLOURS[0]))
    parts.append(_text(10, 214, f"{after.method}: down", "start", COLOURS[1]))
    return _svg(wide, 222, "".join(parts), f"codes of {before.method} and {after.method}")


def stick_strip(strip: Strip, chains: Sequence[Sequence[int]]) -> str:
    """The poses side by side, from half left in front; left limbs red, right limbs blue."""
    wide = _SPACING * len(strip.poses) + 40
    scale = 0.5
    parts = [
        f'<line x1="0" x2="{wide * scale}" y1="{_ABOVE * scale}" y2="{_ABOVE * scale}" '
        'stroke="#bbb"/>'
    ]
    for place, pose in enumerate(strip.poses):
        root = pose[0]
        flat = [
            (
                (
                    _RIGHTWARD[0] * (joint[0] - root[0])
                    + _RIGHTWARD[1] * (joint[2] - root[2])
                    + (place + 0.7) * _SPACING
                )
                * scale,
                (_ABOVE - joint[1]) * scale,
            )
            for joint in pose
        ]
        for chain, colour in zip(chains, _LIMBS, strict=True):
            line = " ".join(f"{flat[j][0]:.1f},{flat[j][1]:.1f}" for j in chain)
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
        head = flat[chains[2][-1]]
        parts.append(f'<circle cx="{head[0]:.1f}" cy="{head[1]:.1f}" r="5" fill="{_LIMBS[2]}"/>')
    return _svg(wide * scale, (_ABOVE + _BELOW) * scale, "".join(parts), strip.prompt)


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _scale(values: Sequence[float], start: float, end: float):  # type: ignore[no-untyped-def]
    """A map from values to pixels with some air on both sides, and four ticks (value, pixel)."""
    low, high = min(values), max(values)
    air = 0.08 * (high - low) or max(abs(high) * 0.1, 0.02)
    low, high = (low if low == 0 else low - air), high + air

    def place(value: float) -> float:
        return start + (value - low) / (high - low) * (end - start)

    ticks = [low + (high - low) * i / 4 for i in range(5)]
    return place, [(tick, place(tick)) for tick in ticks]


def _axes(
    x_ticks: Sequence[tuple[float, float]],
    y_ticks: Sequence[tuple[float, float]],
    across: str,
    up: str,
    wide: int = _WIDE,
) -> str:
    right, bottom = wide - _RIGHT, _HIGH - _BOTTOM
    parts = [
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#888"/>',
        _text((_LEFT + right) / 2, _HIGH - 8, across, "middle"),
        f'<g transform="translate(14 {(_TOP + bottom) / 2}) rotate(-90)">'
        f"{_text(0, 0, up, 'middle')}</g>",
    ]
    parts += [_text(x, bottom + 16, f"{value:.3g}", "middle") for value, x in x_ticks]
    parts += [_text(_LEFT - 6, y + 4, f"{value:.3g}", "end") for value, y in y_ticks]
    return "".join(parts)


def _legend(names: Sequence[str], wide: int = _WIDE) -> str:
    return "".join(
        f'<rect x="{wide - _RIGHT + 14}" y="{_TOP + 20 * i}" width="10" height="10" '
        f'fill="{colour}"/>{_text(wide - _RIGHT + 30, _TOP + 20 * i + 10, name, "start")}'
        for i, (name, colour) in enumerate(zip(names, _cycle(len(names)), strict=True))
    )


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _svg(wide: float, high: float, content: str, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" '
        f'width="{wide:.0f}" role="img" font-family="sans-serif">'
        f"<title>{escape(title)}</title>{content}</svg>"
    )
