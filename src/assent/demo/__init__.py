"""The demonstration: the whole road with everything real, judged by the carriers' records."""
