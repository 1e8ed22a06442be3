"""Bytes to events and back. No socket and no clock here: time is passed in."""
