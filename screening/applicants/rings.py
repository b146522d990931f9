"""Rings: applicants and affiliates joined by identifiers that they share.

An identifier weighs by its kind and by how rare it is among all known members (inverse frequency); one that many
unrelated members have comes with a theme, an agency or a kit and says nothing. Members are joined strongest tie first,
and a ring that has reached its largest size takes no more members, so that one weak tie never joins two crowds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rapidfuzz import fuzz

from screening.applicants.identifiers import KINDS, Group, Identifier
from screening.applicants.identity import name_key
from screening.applicants.signals.finding import Exhibit, Finding, Numbers, State, absent
from screening.settings.screening import RingSettings

Standing = Literal["applicant", "active", "paused", "banned"]
AFFILIATE = frozenset({"active", "paused"})
_LOOK_ALONE = frozenset({Group.LOOK, Group.NAME})
"""Groups that never make a tie by themselves: themes and plain names are shared by strangers."""


@dataclass(frozen=True, slots=True)
class Member:
    """An applicant or affiliate: id, name, standing in the programme, and identifiers of the form and of the sites."""

    member: str
    name: str
    standing: Standing
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Tie:
    """What two members have in common: identifiers by kind and value, and the weight of each group, 0-1."""

    one: str
    other: str
    shared: tuple[tuple[Identifier, Identifier], ...]
    groups: Mapping[Group, float]

    def independent(self, settings: RingSettings) -> int:
        """Return how many independent groups tie the two."""
        return sum(
            weight >= settings.independent_weight for group, weight in self.groups.items() if group not in _LOOK_ALONE
        )

    @property
    def weight(self) -> float:
        """Weight of the tie: the groups joined as independent evidence, 0-1."""
        return 1 - math.prod(1 - weight for weight in self.groups.values())


@dataclass(frozen=True, slots=True)
class Rings:
    """The outcome: every member's ties, and the ring (all its members, sorted) that it belongs to."""

    members: Mapping[str, Member]
    ties: Mapping[str, tuple[Tie, ...]]
    ring_of: Mapping[str, tuple[str, ...]]


def rings(members: Sequence[Member], copied: Iterable[frozenset[str]], settings: RingSettings) -> Rings:
    """Join members by what they share.

    `copied` holds pairs of sites of which one is a copy of the other: ids that only such a pair shares were copied
    along and tie nobody.
    """
    by_id = {member.member: member for member in members}
    pairs = _shared(members, frozenset(copied), settings)
    ties: dict[str, list[Tie]] = defaultdict(list)
    strong: list[Tie] = []
    for (one, other), found in sorted(pairs.items()):
        tie = Tie(one, other, tuple(pair for pair, _ in found), _groups(found))
        ties[one].append(tie)
        ties[other].append(tie)
        if tie.independent(settings) >= 1:
            strong.append(tie)
    joined = _joined(strong, settings.size_max)
    return Rings(by_id, {member: tuple(found) for member, found in ties.items()}, joined)


def ring_findings(member: str, found: Rings, settings: RingSettings) -> tuple[Finding, ...]:
    """Say what a member's ties mean: to banned affiliates, to present ones, to other applicants, and as a ring."""
    ties = [tie for tie in found.ties.get(member, ()) if tie.independent(settings) >= 1]
    findings: list[Finding] = []
    by_standing: dict[str, list[Tie]] = defaultdict(list)
    for tie in ties:
        standing = found.members[_other(tie, member)].standing
        by_standing["affiliate" if standing in AFFILIATE else standing].append(tie)
    for kind, (single, double) in _CODES.items():
        best = max(by_standing[kind], key=lambda tie: (tie.independent(settings), tie.weight), default=None)
        if best is None:
            findings.append(absent(single))
            continue
        sure = best.independent(settings) >= 2 or Group.PERSON in best.groups or Group.SITE in best.groups
        findings.append(_tied(double if sure else single, member, best, len(by_standing[kind]), found))
    ring = found.ring_of.get(member, ())
    if len(ring) >= settings.ring_members:
        findings.append(_ring(member, ring, ties))
    return (*findings, *_name_of_banned(member, found, settings))


_CODES: dict[str, tuple[str, str]] = {
    "banned": ("linked_to_banned", "linked_to_banned_twice"),
    "affiliate": ("linked_to_affiliate", "existing_affiliate"),
    "applicant": ("shared_identifier", "duplicate_application"),
}


def _shared(
    members: Sequence[Member], copied: frozenset[frozenset[str]], settings: RingSettings
) -> dict[tuple[str, str], list[tuple[tuple[Identifier, Identifier], float]]]:
    holders: dict[tuple[str, str], dict[str, Identifier]] = defaultdict(dict)
    for member in members:
        for identifier in member.identifiers:
            holders[identifier.kind, identifier.value].setdefault(member.member, identifier)
    known = max(len(members), settings.corpus_min)
    pairs: dict[tuple[str, str], list[tuple[tuple[Identifier, Identifier], float]]] = defaultdict(list)
    for (kind, _), having in holders.items():
        if not 2 <= len(having) <= settings.shared_by_max:
            continue
        weight = KINDS[kind].weight * math.log(known / len(having)) / math.log(known / 2)
        names = sorted(having)
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                both = having[one], having[other]
                if frozenset((both[0].site or "", both[1].site or "")) not in copied:
                    pairs[one, other].append((both, weight))
    return pairs


def _groups(found: Iterable[tuple[tuple[Identifier, Identifier], float]]) -> dict[Group, float]:
    groups: dict[Group, float] = {}
    for (identifier, _), weight in found:
        group = KINDS[identifier.kind].group
        groups[group] = max(groups.get(group, 0.0), weight)
    return groups


def _joined(ties: list[Tie], size_max: int) -> dict[str, tuple[str, ...]]:
    """Union-find, strongest tie first; a union that would make a ring larger than `size_max` is left out."""
    parent: dict[str, str] = {}
    size: dict[str, int] = defaultdict(lambda: 1)

    def root(member: str) -> str:
        parent.setdefault(member, member)
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for tie in sorted(ties, key=lambda tie: (-tie.weight, tie.one, tie.other)):
        one, other = sorted((root(tie.one), root(tie.other)))
        if one != other and size[one] + size[other] <= size_max:
            parent[other] = one
            size[one] += size[other]
    groups: dict[str, list[str]] = defaultdict(list)
    for member in parent:
        groups[root(member)].append(member)
    return {member: tuple(sorted(group)) for group in groups.values() for member in group}


def _tied(code: str, member: str, tie: Tie, others: int, found: Rings) -> Finding:
    other = found.members[_other(tie, member)]
    mine = [pair[0] if tie.one == member else pair[1] for pair in tie.shared]
    theirs = [pair[1] if tie.one == member else pair[0] for pair in tie.shared]
    exhibits = tuple(
        Exhibit(here.url, f"{_said(here)} is also {other.member}'s ({there.url})")
        for here, there in zip(mine, theirs, strict=True)
    )
    kinds = ", ".join(dict.fromkeys(identifier.kind for identifier in mine))
    numbers: Numbers = {"other": other.member, "standing": other.standing, "kinds": kinds, "members": others}
    return Finding(code, State.FOUND, None, exhibits, numbers)


def _ring(member: str, ring: tuple[str, ...], ties: list[Tie]) -> Finding:
    others = [name for name in ring if name != member]
    mine = [pair[0] if tie.one == member else pair[1] for tie in ties for pair in tie.shared]
    shown = dict.fromkeys((identifier.url, _said(identifier)) for identifier in mine)
    exhibits = tuple(Exhibit(url, f"{said} is shared with {', '.join(others[:6])}") for url, said in shown)
    numbers: Numbers = {"members": len(ring), "others": ", ".join(others[:10])}
    return Finding("ring", State.FOUND, None, exhibits, numbers)


def _name_of_banned(member: str, found: Rings, settings: RingSettings) -> tuple[Finding, ...]:
    key = name_key(found.members[member].name)
    for other in found.members.values():
        if other.standing != "banned" or other.member == member or not other.name:
            continue
        theirs = name_key(other.name)
        if key[:1] not in {word[:1] for word in theirs.split()}:
            continue
        likeness = fuzz.token_sort_ratio(key, theirs)
        if likeness >= settings.name_likeness:
            shown = Exhibit("application", f"the name is like that of {other.member}, who was banned: {other.name}")
            return (
                Finding(
                    "name_of_banned", State.FOUND, None, (shown,), {"other": other.member, "likeness": round(likeness)}
                ),
            )
    return (absent("name_of_banned"),)


def sequential_mail(members: Sequence[Member], settings: RingSettings) -> Mapping[str, Finding]:
    """Find addresses that differ in a running number only (jane01@, jane02@ ...), on enough applications."""
    series: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for member in members:
        address = next((item.value for item in member.identifiers if item.kind == "email"), "")
        local, _, domain = address.partition("@")
        stem = local.rstrip("0123456789")
        if member.standing == "applicant" and stem != local and stem:
            series[f"{stem}@{domain}"].append((int(local[len(stem) :]), member.member, address))
    found: dict[str, Finding] = {}
    for stem, entries in series.items():
        entries.sort()
        close = sum(later[0] - earlier[0] == 1 for earlier, later in pairwise(entries))
        if close + 1 >= settings.ring_members:
            shown = Exhibit("application", ", ".join(address for _, _, address in entries[:6]))
            numbers: Numbers = {"series": stem, "members": len(entries)}
            found.update(
                (name, Finding("sequential_email", State.FOUND, None, (shown,), numbers)) for _, name, _ in entries
            )
    return found


def _other(tie: Tie, member: str) -> str:
    return tie.other if tie.one == member else tie.one


def _said(identifier: Identifier) -> str:
    return f"{identifier.kind} {identifier.value}"
