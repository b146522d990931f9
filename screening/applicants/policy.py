"""The programme's policy: what applicants must keep to. Each clause has an id that reasons cite.

It comes from the section `policy` of config.yaml, or from the file that `policy.file` names (JSON or YAML), which then
replaces the section. An empty clause demands nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from screening.applicants.identity import country_code, site_of
from screening.errors import InputError
from screening.settings.screening import PolicySettings

METHOD_SYNONYMS = {
    "blog": "content",
    "blogging": "content",
    "website": "content",
    "editorial": "content",
    "reviews": "content",
    "coupons": "coupon",
    "coupon_site": "coupon",
    "deals": "coupon",
    "vouchers": "coupon",
    "cash_back": "cashback",
    "loyalty": "cashback",
    "rewards": "cashback",
    "newsletter": "email",
    "e_mail": "email",
    "email_marketing": "email",
    "social_media": "social",
    "ppc": "search",
    "paid_search": "search",
    "sem": "search",
    "incentivized": "incentive",
    "incentivised": "incentive",
    "incentives": "incentive",
    "browser_extension": "toolbar",
    "extension": "toolbar",
    "plugin": "toolbar",
    "influencers": "influencer",
    "youtube": "video",
}
"""Words in common use for the same way of promoting; a word that is not here stands for itself."""


ANY_WORDING = "any"
"""Stands in `required_disclosure` for every wording of a disclosure that winnow knows."""


def method_name(text: str) -> str:
    """Return the name of a way of promoting: lower case, words joined by `_`, synonyms folded."""
    name = re.sub(r"[\W_]+", "_", text.strip().casefold()).strip("_")
    return METHOD_SYNONYMS.get(name, name)


def category_name(text: str) -> str:
    """Return the name of a category of content: lower case, words joined by `_`."""
    return re.sub(r"[\W_]+", "_", text.strip().casefold()).strip("_")


def _entries(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    if isinstance(value, list | tuple):
        return tuple("NO" if item is False else str(item).strip() for item in value)  # YAML 1.1 reads Norway as false
    raise ValueError("a list of words is expected")


def _disclosure(value: object) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (ANY_WORDING,) if value else ()
    return (value,) if isinstance(value, str) and value else _entries(value)


def _countries(value: object) -> tuple[str, ...]:
    return tuple(country_code(item) for item in _entries(value))


def _methods(value: object) -> tuple[str, ...]:
    return tuple(method_name(item) for item in _entries(value))


def _categories(value: object) -> tuple[str, ...]:
    return tuple(category_name(item) for item in _entries(value))


def _sites(value: object) -> tuple[str, ...]:
    return tuple(site_of(item.lower()) for item in _entries(value))


Names = tuple[Annotated[str, Field(min_length=2, max_length=100)], ...]


class Policy(BaseModel):
    """What the programme allows and forbids.

    `required_disclosure` holds the wordings of which one must stand on pages with affiliate links; the single word
    `any` (or `true`) accepts every wording that winnow knows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    brands: Annotated[Names, BeforeValidator(_entries)] = ()
    brand_domains: Annotated[Names, BeforeValidator(_sites)] = ()
    prohibited_categories: Annotated[Names, BeforeValidator(_categories)] = ()
    allowed_countries: Annotated[tuple[str, ...], BeforeValidator(_countries)] = ()
    allowed_methods: Annotated[tuple[str, ...], BeforeValidator(_methods)] = ()
    required_disclosure: Annotated[tuple[str, ...], BeforeValidator(_disclosure)] = ()


def clause(kind: str, value: str = "") -> str:
    """Return the id of a clause: the policy key, and the entry it is about, such as `prohibited_categories/adult`."""
    return f"{kind}/{category_name(value)}" if value else kind


def clauses(policy: Policy) -> tuple[str, ...]:
    """Return the ids of all clauses that the policy has, in file order."""
    return tuple(_clauses(policy))


def _clauses(policy: Policy) -> Iterable[str]:
    yield from (clause("brands", brand) for brand in policy.brands)
    yield from (clause("prohibited_categories", name) for name in policy.prohibited_categories)
    for key in ("allowed_countries", "allowed_methods", "required_disclosure"):
        if getattr(policy, key):
            yield clause(key)


def read_policy(path: Path) -> Policy:
    """Read a policy file, JSON or YAML.

    Raises InputError that names the file and the key when it is not readable, has an unknown key or a bad value.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"The policy file cannot be read: {error.strerror}.",
            remedy="Set policy.file to a readable file.",
            where=str(path),
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"The policy file is neither JSON nor YAML: {error}.", remedy="Mend it.", where=str(path)
        ) from error
    if not isinstance(values, dict):
        raise InputError("A policy is a mapping of clauses.", remedy=f"Its keys are {_keys()}.", where=str(path))
    return checked_policy(values, where=str(path))


def programme_policy(section: PolicySettings, root: Path) -> Policy:
    """Return the policy that holds: the file of `policy.file`, relative to `root`, or else the section itself.

    Raises InputError as read_policy, and when both hold clauses.
    """
    clauses_ = section.model_dump(exclude={"file"})
    if not section.file:
        return checked_policy(clauses_, where="policy")
    if any(clauses_.values()):
        raise InputError(
            "The policy stands in policy.file and in the section as well.", remedy="Keep one of them.", where="policy"
        )
    return read_policy(root / section.file)


def checked_policy(values: dict[str, object], *, where: str) -> Policy:
    """Check the values of a policy. Raises InputError that names `where` and the key."""
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            raise InputError(
                f"Unknown policy clause `{key}`.", remedy=f"The clauses are {_keys()}.", where=where
            ) from error
        raise InputError(
            f"The clause `{key}` cannot be {problem['input']!r}: {problem['msg']}.",
            remedy="See docs/policy.md.",
            where=where,
        ) from error


def _keys() -> str:
    return ", ".join(Policy.model_fields)
