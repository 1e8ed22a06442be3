"""The simulated quarter: ninety days of honest and dishonest senders on a real platform.

Everything is done through public doors: `assent setup`, the HTTP API, the carriers' links, people's
replies, complaint files. Nothing here reads or writes a table. docs/quarter.md tells the story.
"""
