"""Simulated fraud: which schemes run in a programme, and what each leaves in its logs."""

from screening.simulate.fraud.enact import fraud_trails
from screening.simulate.fraud.scheme import Scheme, plan_schemes

__all__ = ["Scheme", "fraud_trails", "plan_schemes"]
