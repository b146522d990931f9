"""The report of an evaluation as one HTML file that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import plotly.graph_objects as go
import plotly.io
from jinja2 import Environment, PackageLoader, StrictUndefined

from models.metrics import Estimate
from screening.jobs.evaluate import Evaluated
from screening.jobs.evaluation.figures import Curve, Figures
from screening.jobs.evaluation.injected import WINNOW, Injection

_COLOURS = {"winnow": "#0b6e4f", "vendor preset": "#b7570f", "PyOD": "#5b5ea6"}
_INK, _GRID = "#1d2a2f", "#dde3e3"
_HEIGHT = 380
_BESIDE = ("24metrics CPA", "24metrics CPI")
"""Presets that the table of injected fraud shows beside winnow: those that hold most."""


def page(evaluated: Evaluated, settings: dict[str, Any]) -> str:
    """Return the report as HTML. `settings` has level, draws and every_days, which the text names."""
    loader = PackageLoader("screening.jobs.evaluation", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"share": share, "interval": interval, "money": "{:,.2f}".format, "count": "{:,}".format}
    charts = _charts(evaluated)
    template = environment.get_template("report.html")
    return template.render(it=evaluated, charts=charts, settings=settings, beside=_BESIDE, winnow=WINNOW)


def data(evaluated: Evaluated) -> dict[str, Any]:
    """Return the evaluation as what JSON can say: unknown numbers are null."""
    told: dict[str, Any] = _plain(asdict(evaluated))
    return told


def share(value: float) -> str:
    """Write a share in percent; unknown as a dash."""
    return "–" if math.isnan(value) else f"{value:.1%}"  # noqa: RUF001 - the dash is meant


def interval(estimate: Estimate) -> str:
    """Write the interval of an estimate; one affiliate cannot tell how affiliates vary."""
    if math.isnan(estimate.value):
        return ""
    if math.isnan(estimate.low):
        return "one affiliate" if estimate.clusters == 1 else "too few affiliates"
    return f"{estimate.low:.1%} to {estimate.high:.1%}"


def _plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return value


def _charts(evaluated: Evaluated) -> dict[str, str]:
    """Draw every chart; the first carries the script that all of them need."""
    drawn: list[tuple[str, go.Figure]] = []
    if evaluated.figures:
        drawn += [
            ("methods", _methods(evaluated.figures)),
            ("curve", _curve(evaluated.figures.curves)),
            ("calibration", _calibration(evaluated.figures)),
        ]
        if evaluated.figures.kinds:
            drawn.append(("kinds", _kinds(evaluated.figures)))
    if evaluated.injection and evaluated.injection.together:
        drawn.append(("injection", _injected(evaluated.injection)))
    options = {"displayModeBar": False, "responsive": True}
    return {
        name: plotly.io.to_html(figure, full_html=False, include_plotlyjs=index == 0, config=options)
        for index, (name, figure) in enumerate(drawn)
    }


def _framed(figure: go.Figure, across: str, up: str, height: int = _HEIGHT) -> go.Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 60, "r": 20, "t": 20, "b": 50},
        font={"family": "system-ui, sans-serif", "color": _INK},
        legend={"orientation": "h", "y": 1.08},
    )
    figure.update_xaxes(title=across, gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(title=up, gridcolor=_GRID, zeroline=False)
    return figure


def _bars(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """Return error bars; none where the interval is unknown."""
    up = [0.0 if math.isnan(found.high) else found.high - found.value for found in estimates]
    down = [0.0 if math.isnan(found.low) else found.value - found.low for found in estimates]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1, "width": 3}


def _methods(figures: Figures) -> go.Figure:
    figure = go.Figure()
    for group, colour in _COLOURS.items():
        methods = [method for method in figures.methods if method.group == group]
        if not methods:
            continue
        clean = [method.stopping.clean_stopped for method in methods]
        recall = [method.stopping.recall for method in methods]
        figure.add_scatter(
            x=_values(clean),
            y=_values(recall),
            error_x=_bars(clean),
            error_y=_bars(recall),
            mode="markers",
            marker={"size": 11, "color": colour},
            name=group,
            text=[method.title for method in methods],
            hovertemplate="%{text}<br>bad payout stopped %{y:.1%}<br>clean payout stopped %{x:.1%}<extra></extra>",
        )
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return _framed(figure, "clean payout stopped", "bad payout stopped")


def _values(estimates: Iterable[Estimate]) -> list[float | None]:
    return [None if math.isnan(found.value) else found.value for found in estimates]


def _curve(curves: Sequence[Curve]) -> go.Figure:
    figure = go.Figure()
    if curves:
        curve = curves[0]
        parts = {
            "bad payout stopped": (curve.recall, "11, 110, 79"),
            "clean payout stopped": (curve.clean_stopped, "178, 42, 42"),
            "bad share of what is stopped": (curve.precision, "91, 94, 166"),
        }
        for name, (estimates, colour) in parts.items():
            known = [(at, found) for at, found in zip(curve.at, estimates, strict=True) if not math.isnan(found.low)]
            across = [at for at, _ in known]
            band = [found.high for _, found in known] + [found.low for _, found in reversed(known)]
            figure.add_scatter(
                x=across + across[::-1],
                y=band,
                fill="toself",
                fillcolor=f"rgba({colour}, 0.12)",
                line={"width": 0},
                showlegend=False,
                hoverinfo="skip",
            )
            line = {"color": f"rgb({colour})"}
            figure.add_scatter(x=list(curve.at), y=_values(estimates), mode="lines", name=name, line=line)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return _framed(figure, "threshold on the score", "share of payout")


def _calibration(figures: Figures) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": "#8a9a9a"}, name="score = bad share"
    )
    for (title, bins), colour in zip(figures.calibrations.items(), ("#0b6e4f", "#b7570f"), strict=False):
        found = [one.bad for one in bins]
        figure.add_scatter(
            x=[one.score for one in bins],
            y=_values(found),
            error_y=_bars(found),
            mode="markers+lines",
            name=title,
            marker={"size": 9, "color": colour},
            text=[f"{one.conversions} conversions" for one in bins],
            hovertemplate="score %{x:.2f}, bad %{y:.1%}<br>%{text}<extra></extra>",
        )
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.02])
    return _framed(figure, "mean score", "bad share of payout")


def _kinds(figures: Figures) -> go.Figure:
    figure = go.Figure()
    shown = [method.title for method in figures.methods if method.group == "winnow"]
    shown += [title for title in _BESIDE if title in figures.kinds[0].recall]
    colours = ("#0b6e4f", "#7fb69e", "#b7570f", "#e3b489")
    for title, colour in zip(shown, colours, strict=False):
        found = [kind.recall[title] for kind in figures.kinds]
        names = [kind.kind.replace("_", " ") for kind in figures.kinds]
        figure.add_bar(x=names, y=_values(found), error_y=_bars(found), name=title, marker_color=colour)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.05])
    return _framed(figure, "", "bad payout stopped", _HEIGHT + 60)


def _injected(injection: Injection) -> go.Figure:
    figure = go.Figure()
    names = [kind.kind.replace("_", " ") for kind in injection.kinds]
    for title, colour in zip((WINNOW, *_BESIDE), ("#0b6e4f", "#b7570f", "#e3b489"), strict=True):
        found = [kind.held[title] for kind in injection.kinds]
        figure.add_bar(x=names, y=_values(found), error_y=_bars(found), name=title, marker_color=colour)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.05])
    return _framed(figure, "", "injected payout held", _HEIGHT + 60)
