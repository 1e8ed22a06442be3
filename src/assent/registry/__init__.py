"""Pure checks of who someone is: papers, licences, codes, names. No socket, no clock, no store.

What is asked of whom stands in a versioned table of data (:mod:`assent.registry.table`); whether
the papers of an entity answer it is worked out by :func:`assent.registry.qualify.qualify`.
"""
