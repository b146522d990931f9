"""Refuse to run when the generic names `models` and `features` are not our packages.

Another distribution that ships a package of one of these names replaces our files without a word from pip, and a judge
that is not ours would then decide on payouts. This module imports nothing but the standard library and our errors.
"""

from __future__ import annotations

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from screening.errors import IntegrityError

DISTRIBUTION = "winnow"
PACKAGES = ("screening", "models", "features")
_REMEDY = "Install winnow into an environment of its own: python3 -m venv DIR && DIR/bin/pip install winnow."


class ForeignPackageError(IntegrityError):
    """A package that winnow needs is missing or belongs to something else."""


def check_places() -> None:
    """Raise ForeignPackageError unless all our packages lie in one folder. Imports none of them; takes microseconds."""
    home = Path(__file__).resolve().parent.parent
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise ForeignPackageError(
                f"winnow's package `{package}` is missing; it should lie in {home}. "
                "Removing another package of the same name removes it.",
                remedy=_REMEDY,
            )
        found = Path(spec.origin).resolve()
        if found != home / package / "__init__.py":
            raise ForeignPackageError(
                f"The name `{package}` leads to {found}, which is not winnow's; that is in {home}.", remedy=_REMEDY
            )


def check_owners() -> None:
    """Raise ForeignPackageError when another installed distribution owns one of our packages.

    Reads the records of every installed distribution, about a quarter of a second: for the commands that decide on
    money or answer for the installation. A checkout that is not installed has no owner, which is no error.
    """
    owners = packages_distributions()
    for package in PACKAGES:
        others = sorted({name for name in owners.get(package, []) if name.lower() != DISTRIBUTION})
        if others:
            raise ForeignPackageError(
                f"The package `{package}` was also installed by {', '.join(others)}, so its files may not be winnow's.",
                remedy=f"Remove {', '.join(others)}, then install winnow again. {_REMEDY}",
            )
