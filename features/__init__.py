"""Facts about affiliate traffic: record types, windows, and one module per feature family. No input or output here."""
