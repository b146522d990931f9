"""What is known of an address or a user agent without asking anyone: pure lookups over tables that a caller loads.

`AddressBook` classifies addresses, `AgentBook` user agents; both take the distinct values of a column and return a
frame to join back, so that a lookup is never a call per event.
"""

from features.intelligence.addresses import AddressBook, AddressClass, AddressList
from features.intelligence.agents import AgentBook, AgentClass

__all__ = ["AddressBook", "AddressClass", "AddressList", "AgentBook", "AgentClass"]
