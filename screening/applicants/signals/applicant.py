"""What the application itself says: declared facts against the policy, and whether its parts fit together."""

from __future__ import annotations

from screening.applicants.intake_fields import Application
from screening.applicants.policy import Policy, clause
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, unknown

PLACE = "application"
"""Stands in the place of a URL for facts that the applicant wrote in the form."""
ROLE_MAILBOXES = frozenset(
    {"admin", "info", "contact", "webmaster", "sales", "support", "office", "marketing", "noreply", "postmaster"}
)
"""Mailboxes of a function, not of a person (RFC 2142 and custom)."""


def applicant(application: Application, policy: Policy) -> tuple[Finding, ...]:
    """Judge the form alone."""
    return (*_policy(application, policy), *_mail(application), *_countries(application), *_fields(application))


def _policy(application: Application, policy: Policy) -> tuple[Finding, ...]:
    findings = []
    if policy.allowed_countries:
        country = application.country
        if country is None:
            findings.append(_found("country_unknown", "country was not given or not readable", {}, "allowed_countries"))
        elif country not in policy.allowed_countries:
            findings.append(_found("country_not_allowed", country, {"country": country}, "allowed_countries"))
        else:
            findings.append(absent("country_not_allowed"))
    if policy.allowed_methods:
        refused = [method for method in application.promo_methods if method not in policy.allowed_methods]
        if not application.promo_methods:
            findings.append(_found("methods_unknown", "promo_methods was not given", {}, "allowed_methods"))
        elif refused:
            named = ", ".join(refused)
            findings.append(_found("method_not_allowed", named, {"methods": named}, clause("allowed_methods")))
        else:
            findings.append(absent("method_not_allowed"))
    return tuple(findings)


def _mail(application: Application) -> tuple[Finding, ...]:
    mail = application.email
    findings = [
        _found("disposable_email", mail.written, {"domain": mail.domain})
        if mail.disposable
        else absent("disposable_email")
    ]
    if mail.key.split("@")[0] in ROLE_MAILBOXES:
        findings.append(_found("role_email", mail.written, {"mailbox": mail.key.split("@")[0]}))
    return tuple(findings)


def _countries(application: Application) -> tuple[Finding, ...]:
    phone, country = application.phone, application.country
    if phone is None or phone.country is None or country is None:
        return (unknown("country_mismatch", None, "country or telephone was not given"),)
    if phone.country == country:
        return (absent("country_mismatch"),)
    snippet = f"country {country}, telephone {phone.e164} of {phone.country}"
    return (_found("country_mismatch", snippet, {"declared": country, "telephone": phone.country}),)


def _fields(application: Application) -> tuple[Finding, ...]:
    findings = []
    for problem in application.problems:
        snippet = f"{problem.field} “{problem.value}” {problem.problem}"
        code = "websites_unscreened" if problem.field == "websites" else "field_unreadable"
        findings.append(_found(code, snippet, {"field": problem.field, "problem": problem.problem}))
    return tuple(findings)


def _found(code: str, snippet: str, numbers: dict[str, str | int | float], cited: str | None = None) -> Finding:
    return Finding(code, State.FOUND, None, (Exhibit(PLACE, snippet),), numbers, cited)
