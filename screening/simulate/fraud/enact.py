"""Run the planned schemes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from screening.simulate.columns import Trail, stream
from screening.simulate.fraud import collusion, hijack, made_up
from screening.simulate.fraud.scene import Scene
from screening.simulate.fraud.scheme import Scheme
from screening.simulate.spec import FraudKind
from screening.simulate.world import World

_MECHANICS: Mapping[FraudKind, Callable[[Scene], Trail]] = {
    FraudKind.CLICK_FLOODING: hijack.click_flooding,
    FraudKind.CLICK_INJECTION: hijack.click_injection,
    FraudKind.COOKIE_STUFFING: hijack.cookie_stuffing,
    FraudKind.ATTRIBUTION_WINDOW_ABUSE: hijack.attribution_window_abuse,
    FraudKind.BOT_LEADS: made_up.bot_leads,
    FraudKind.STUFFED_LEADS: made_up.stuffed_leads,
    FraudKind.DEVICE_FARM: made_up.device_farm,
    FraudKind.PROXY_GEO_SPOOFING: made_up.proxy_geo_spoofing,
    FraudKind.SELF_REFERRAL_RING: collusion.self_referral_ring,
    FraudKind.UNDISCLOSED_INCENTIVE: collusion.undisclosed_incentive,
}
"""Replays are not among them: they need the honest conversions that they repeat."""


def fraud_trails(world: World, honest: Trail, schemes: Sequence[Scheme]) -> list[Trail]:
    """Let every scheme leave its clicks and conversions; each draws from its own stream of random numbers."""
    trails = []
    for scheme in schemes:
        for act, mechanic in enumerate(scheme.acts):
            scene = Scene(world, scheme, act, stream(world.seed, f"scheme {scheme.number}.{act}"))
            if mechanic is FraudKind.REPLAYED_CONVERSIONS:
                trails.append(collusion.replayed_conversions(scene, honest))
            else:
                trails.append(_MECHANICS[mechanic](scene))
    return trails
