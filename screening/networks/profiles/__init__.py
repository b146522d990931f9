"""Profiles of export files: which columns the exports of a network or tracker have, and what they mean here."""

from screening.networks.profiles.load import ExportLayout, Profile, load_profile, profile_names

__all__ = ["ExportLayout", "Profile", "load_profile", "profile_names"]
