"""Detectors, statistics and simulation over what happened, told to staff."""
