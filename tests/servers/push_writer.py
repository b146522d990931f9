"""A process that delivers a change to an Everflow server, for tests that kill it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from screening.networks.adapter import ChangeKind, Status, StatusChange
from screening.networks.choose import everflow_of
from screening.networks.deliver import Delivery, Order, Patience
from screening.settings.networks import EverflowSettings
from screening.store import open_store


def main(store_url: str, folder: str, settings_json: str, key: str) -> None:
    settings = EverflowSettings.model_validate(json.loads(settings_json))
    network = everflow_of(settings, Path(folder), {settings.key_variable: key})
    changes = [StatusChange(f"{name}-approved", name, Status.APPROVED) for name in ("c1", "c2")]
    with open_store(store_url) as store:
        delivery = Delivery(store, network, Patience(1, 0.5, 0.05), lambda *_: None)
        delivery.deliver(Order(ChangeKind.STATUS, changes, "test", {}, {}))


if __name__ == "__main__":
    main(*sys.argv[1:])
