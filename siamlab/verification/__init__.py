"""Verification of one person, identification among all, and both from a live camera."""
