"""Judges of affiliate traffic: code that scores facts (not trained files, not tables). No input or output here."""
