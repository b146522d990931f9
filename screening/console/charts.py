"""Charts as geometry: the server places bars, lines and labels, a template draws them, the style sheet colours them.

Drawn on the server because the strict content-security-policy refuses the inline styles that chart scripts write. Every
chart carries its numbers as a table, for those who cannot see it and those who want to copy them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 640, 264
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 14, 30, 52
_INNER_WIDTH = WIDTH - _LEFT - _RIGHT
_INNER_HEIGHT = HEIGHT - _TOP - _BOTTOM
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar, with what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    tip: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; `anchor` as in SVG."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Dot:
    """A point, with what it says when pointed at."""

    x: float
    y: float
    tip: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready to draw. `summary` says in words what it shows; `head` and `rows` are its numbers.

    `across` and `upward` name the axes, with units. `rules` are heights of grid lines; `norm` and `line` are points
    of polylines; `marks` are upright lines.
    """

    summary: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Rect, ...] = ()
    across: str = ""
    upward: str = ""
    norm: str = ""
    line: str = ""
    rules: tuple[float, ...] = ()
    labels: tuple[Label, ...] = ()
    marks: tuple[Label, ...] = ()
    dots: tuple[Dot, ...] = ()
    norm_dots: tuple[Dot, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    base: float = HEIGHT - _BOTTOM
    left: float = _LEFT
    right: float = WIDTH - _RIGHT


@dataclass(frozen=True, slots=True)
class Axis:
    """What a chart's bars are: the names of the places, what is counted, and how many names fit."""

    names: Sequence[str]
    what: str
    shown_every: int = 1


def shares(title: str, axis: Axis, own: Sequence[int], norm: Sequence[float], norm_name: str) -> Chart:
    """Draw counts as shares of their sum, as bars, beside the norm's shares, as a stepped line."""
    whole = sum(own)
    mine = [count / whole if whole else 0.0 for count in own]
    top = _nice(max([*mine, *norm, 0.01]))
    step = _INNER_WIDTH / len(axis.names)
    bars = tuple(
        Rect(
            _LEFT + place * step + step * 0.12,
            _y(share, top),
            step * 0.76,
            max(0.0, HEIGHT - _BOTTOM - _y(share, top)),
            f"{axis.names[place]}: {own[place]} ({share:.0%})",
        )
        for place, share in enumerate(mine)
    )
    stepped = " ".join(
        f"{_LEFT + (place + side) * step:.1f},{_y(share, top):.1f}"
        for place, share in enumerate(norm)
        for side in (0, 1)
    )
    rows = tuple(
        (name, str(own[place]), f"{mine[place]:.1%}", f"{norm[place]:.1%}" if norm else "not known")
        for place, name in enumerate(axis.names)
    )
    return Chart(
        summary=_summary(title, axis.names, mine, norm, norm_name),
        head=(axis.what, "conversions", "share", norm_name),
        rows=rows,
        across=axis.what,
        upward="share of conversions",
        bars=bars,
        norm=stepped,
        rules=_rules(top),
        labels=(*_ticks(top * 100, "{:g}%"), *_names(axis, step)),
        legend=(("", "this source"), ("of-norm", norm_name)) if norm else (("", "this source"),),
    )


def over_days(title: str, days: Sequence[str], own: Sequence[int], norm: Sequence[int], marked: Sequence[str]) -> Chart:
    """Draw a count a day as bars; the others' as a line scaled to the same height; `marked` days as upright lines."""
    top = _nice_count(max([*own, 1]))
    highest = max([*norm, 1])
    step = _INNER_WIDTH / max(1, len(days))
    bars = tuple(
        Rect(
            _LEFT + place * step + step * 0.15,
            _y(count, top),
            step * 0.7,
            HEIGHT - _BOTTOM - _y(count, top),
            f"{day}: {count}",
        )
        for place, (day, count) in enumerate(zip(days, own, strict=True))
    )
    line = " ".join(
        f"{_LEFT + (place + 0.5) * step:.1f},{_y(count / highest * top, top):.1f}" for place, count in enumerate(norm)
    )
    marks = tuple(
        Label(_LEFT + (place + 0.5) * step, _TOP, f"{day}: the whole offer surged")
        for place, day in enumerate(days)
        if day in marked
    )
    rows = tuple(
        (day, str(own[place]), str(norm[place]) if norm else "", "offer surged" if day in marked else "")
        for place, day in enumerate(days)
    )
    axis = Axis([day[5:] for day in days], "day", max(1, math.ceil(len(days) / 8)))
    return Chart(
        summary=f"{title}: {sum(own)} in {len(days)} days, most in a day {max([*own, 0])}.",
        head=("day", "this source", "the offer's others", "event"),
        rows=rows,
        across="day (UTC)",
        upward=f"{title.lower()} a day",
        bars=bars,
        norm=line if norm else "",
        rules=_rules(top),
        labels=(*_ticks(top, "{:,.0f}"), *_names(axis, step)),
        marks=marks,
        legend=(("", "this source"), *((("of-norm", "the offer's others, scaled to this height"),) if norm else ())),
    )


def beside_peers(own: float, peers: Sequence[float]) -> Chart:
    """Draw the rate of a source on one line with those of its peers."""
    top = max([own, *peers, 0.001]) * 1.05
    height = 106

    def dot(rate: float, tip: str) -> Dot:
        return Dot(_LEFT + rate / top * _INNER_WIDTH, 40, tip)

    below = sum(peer < own for peer in peers)
    labels = tuple(
        Label(_LEFT + part / _TICKS * _INNER_WIDTH, 72, f"{part / _TICKS * top:.1%}") for part in range(_TICKS + 1)
    )
    ordered = sorted(peers)
    return Chart(
        summary=f"{own:.1%} of clicks convert; {below} of {len(peers)} other affiliates of the offer are below that.",
        head=("", "conversions a click"),
        rows=(
            ("this source", f"{own:.2%}"),
            *((f"peer {place + 1}", f"{rate:.2%}") for place, rate in enumerate(ordered)),
        ),
        across="conversions a click",
        dots=(dot(own, f"this source: {own:.2%}"),),
        norm_dots=tuple(dot(rate, f"peer: {rate:.2%}") for rate in peers),
        labels=labels,
        legend=(("", "this source"), ("of-norm", "other affiliates of the offer")),
        height=height,
        base=56,
    )


def curve(points: Sequence[tuple[float, float, float | None]], at: float, money: str) -> Chart:
    """Draw money held (bars) and expected clean share (line) by the score from which is held; `at` is marked."""
    top = _nice(max([amount for _, amount, _ in points] + [1.0]))
    step = _INNER_WIDTH / len(points)
    bars = tuple(
        Rect(
            _LEFT + place * step + 1,
            _y(amount, top),
            step - 2,
            HEIGHT - _BOTTOM - _y(amount, top),
            f"from {score:.2f}: {amount:,.2f} {money}",
        )
        for place, (score, amount, _) in enumerate(points)
    )
    line = " ".join(
        f"{_LEFT + (place + 0.5) * step:.1f},{_y(clean * top, top):.1f}"
        for place, (_, _, clean) in enumerate(points)
        if clean is not None
    )
    place = min(range(len(points)), key=lambda each: abs(points[each][0] - at))
    axis = Axis([f"{score:.2f}" for score, _, _ in points], "score", 4)
    rows = tuple(
        (f"{score:.2f}", f"{amount:,.2f}", "nothing held" if clean is None else f"{clean:.1%}")
        for score, amount, clean in points
    )
    return Chart(
        summary=f"Money held and its expected clean share, by the score from which is held. Marked: {at:.2f}.",
        head=("held from score", f"money held {money}", "expected clean share"),
        rows=rows,
        across="held from this score on",
        upward=f"money held{f', {money}' if money else ''}",
        bars=bars,
        norm=line,
        rules=_rules(top),
        labels=(*_ticks(top, "{:,.0f}"), *_names(axis, step)),
        marks=(Label(_LEFT + (place + 0.5) * step, _TOP, f"held from {at:.2f}"),),
        legend=(("", f"money held {money}"), ("of-norm", "expected clean share (100% at the top)")),
    )


def trend(title: str, names: Sequence[str], values: Sequence[float | None], form: str) -> Chart:
    """Draw one figure week by week; an unknown one has no point."""
    known = [value for value in values if value is not None]
    top = _nice(max([*known, 0.0001]))
    step = _INNER_WIDTH / max(1, len(names))
    dots = tuple(
        Dot(_LEFT + (place + 0.5) * step, _y(value, top), f"{names[place]}: {form.format(value)}")
        for place, value in enumerate(values)
        if value is not None
    )
    axis = Axis(names, "week", max(1, math.ceil(len(names) / 8)))
    return Chart(
        summary=f"{title}: {len(known)} values, the last {form.format(known[-1]) if known else 'not known'}.",
        head=("week", title),
        rows=tuple(
            (name, "not known" if value is None else form.format(value))
            for name, value in zip(names, values, strict=True)
        ),
        line=" ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in dots),
        dots=dots,
        rules=_rules(top),
        labels=(*_ticks(top, form), *_names(axis, step)),
    )


@dataclass(frozen=True, slots=True)
class Node:
    """A member of a ring. `kind` is self, applicant, active, paused or banned."""

    x: float
    y: float
    name: str
    kind: str
    href: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A tie between two members, and what they share."""

    x1: float
    y1: float
    x2: float
    y2: float
    tip: str


@dataclass(frozen=True, slots=True)
class Graph:
    """A ring, its members on a circle. `rows` say every tie in words."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    rows: tuple[tuple[str, str, str], ...] = field(default=())
    width: int = WIDTH
    height: int = 320


def ring(members: Sequence[tuple[str, str, str]], ties: Sequence[tuple[str, str, str]]) -> Graph:
    """Place members (name, kind, address) on a circle and join them by ties (one, other, what they share)."""
    centre_x, centre_y, radius = WIDTH / 2, 160, 115
    places: dict[str, tuple[float, float]] = {}
    nodes = []
    for number, (name, kind, href) in enumerate(members):
        angle = 2 * math.pi * number / len(members) - math.pi / 2
        x, y = centre_x + radius * math.cos(angle), centre_y + radius * math.sin(angle)
        places[name] = (x, y)
        anchor = "middle" if abs(math.cos(angle)) < 0.2 else "start" if math.cos(angle) > 0 else "end"
        nodes.append(Node(x, y, name, kind, href, anchor))
    edges = tuple(
        Edge(*places[one], *places[other], f"{one} and {other}: {what}")
        for one, other, what in ties
        if one in places and other in places
    )
    return Graph(tuple(nodes), edges, tuple(ties))


def _nice(value: float) -> float:
    """Return the next number of 1, 2, 2.5, 5 times a power of ten, so that the axis ends on a round number."""
    power = float(10 ** math.floor(math.log10(value)))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= value * 0.9999)


def _nice_count(value: int) -> float:
    """Return the same for counts, so that every tick of the axis is a whole number."""
    step = _nice(max(1.0, value / _TICKS))
    return _TICKS * (step if step.is_integer() else _nice(step + 1))


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - min(1.0, value / top) * _INNER_HEIGHT


def _rules(top: float) -> tuple[float, ...]:
    return tuple(_y(top * part / _TICKS, top) for part in range(1, _TICKS + 1))


def _ticks(top: float, form: str) -> tuple[Label, ...]:
    values = (top * part / _TICKS for part in range(_TICKS + 1))
    return tuple(Label(_LEFT - 6, _y(value, top) + 4, form.format(value), "end") for value in values)


def _names(axis: Axis, step: float) -> tuple[Label, ...]:
    return tuple(
        Label(_LEFT + (place + 0.5) * step, HEIGHT - _BOTTOM + 16, name)
        for place, name in enumerate(axis.names)
        if place % axis.shown_every == 0
    )


def _summary(title: str, names: Sequence[str], own: Sequence[float], norm: Sequence[float], norm_name: str) -> str:
    if not any(own):
        return f"{title}: nothing to show."
    place = max(range(len(own)), key=lambda each: own[each])
    beside = f"; {norm_name} {norm[place]:.0%}" if norm else ""
    return f"{title}: most, {own[place]:.0%}, at {names[place]}{beside}."
