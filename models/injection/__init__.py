"""Fraud injected into a programme's own traffic, for a detector to learn from. All of it is simulated and labelled."""

from models.injection.campaigns import Injected, inject
from models.injection.pools import AddressPools, build_pools

__all__ = ["AddressPools", "Injected", "build_pools", "inject"]
