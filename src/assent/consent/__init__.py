"""The evidence of consent, pure: entries as bytes, and what they add up to."""
