"""Checks of the installation: packages, dependencies, settings, engine."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from screening.guard import DISTRIBUTION, check_owners, check_places
from screening.jobs.health import Check, Finding, Health
from screening.traffic.spark_session import place_of, what_lacks, who_is_silent
from screening.workspace import Workspace

_REINSTALL = "Install winnow again, into an environment of its own."


def installation_checks(workspace: Workspace) -> Iterator[Check]:
    """Yield the checks of what is installed and of the settings that hold."""
    yield Check("packages", _packages)
    yield Check("dependencies", _dependencies)
    yield Check("settings", partial(_settings, workspace))
    yield Check("engine", partial(_engine, workspace))


def _packages() -> Sequence[Finding]:
    check_places()
    check_owners()
    return [Finding("packages", Health.OK, "screening, models and features are winnow's own")]


def _dependencies() -> Sequence[Finding]:
    try:
        lines = requires(DISTRIBUTION) or []
        installed = f"winnow {version(DISTRIBUTION)} on Python {platform.python_version()}"
    except PackageNotFoundError:
        seen = "winnow is not installed, it runs from a folder"
        return [Finding("dependencies", Health.UNKNOWN, seen, _REINSTALL)]
    wanted = [Requirement(line) for line in lines]
    needed = [requirement for requirement in wanted if not requirement.marker or requirement.marker.evaluate()]
    wrong = [problem for requirement in needed if (problem := _problem(requirement))]
    if wrong:
        return [Finding("dependencies", Health.FAILED, f"{installed}: {'; '.join(wrong)}", _REINSTALL)]
    return [Finding("dependencies", Health.OK, f"{installed}, with the {len(needed)} packages that it needs")]


def _problem(requirement: Requirement) -> str | None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(found, prereleases=True):
        return f"{requirement.name} is {found}, not {requirement.specifier}"
    return None


def _settings(workspace: Workspace) -> Sequence[Finding]:
    loaded = workspace.loaded
    changed = sum(loaded.overridden(key) for key in loaded.sources)
    findings = [Finding("settings", Health.OK, f"valid, {changed} of {len(loaded.sources)} differ from the defaults")]
    opened = [name for name in ("allow_networks", "allow_ports") if getattr(workspace.settings.crawl, name)]
    if opened:
        names = " and ".join(f"crawl.{name}" for name in opened)
        remedy = "Empty them unless this is an intranet or a test farm."
        findings.append(
            Finding("settings", Health.WARNING, f"{names}: the crawler may go where its guard refuses", remedy)
        )
    return findings


def _engine(workspace: Workspace) -> Sequence[Finding]:
    if workspace.settings.engine == "polars":
        return [Finding("engine", Health.OK, f"polars {version('polars')}")]
    spark = workspace.settings.spark
    lacking = what_lacks(spark)
    if lacking is not None:
        return [Finding("engine", Health.FAILED, *lacking)]
    silent = who_is_silent(spark)
    if silent is not None:
        return [Finding("engine", Health.FAILED, *silent)]
    return [Finding("engine", Health.OK, f"pyspark {version('pyspark')}, {place_of(spark)}")]
