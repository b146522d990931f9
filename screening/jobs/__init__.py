"""What the commands do: gather, decide, record. The only place where the parts are wired together."""
