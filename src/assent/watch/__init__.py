"""Watching: detectors over counts an hour, live and over history; their simulation."""
