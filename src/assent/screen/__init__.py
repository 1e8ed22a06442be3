"""What a text is and where it leads: from a text and what is known of its sender to a verdict with
reasons. Pure: no socket, no clock, no database; tables and weights are passed in or packaged.

finding: what is found, where in the text, how grave. categories: the closed list of what a text can
be, and what data sets and carriers call it.
"""
