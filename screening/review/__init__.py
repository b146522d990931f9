"""Cases, decisions by people, appeals, the audit chain, permissions."""
