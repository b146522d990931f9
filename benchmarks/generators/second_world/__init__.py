"""The parts of the second simulated programme: a world of people, and partners honest and not.

Nothing here is shared with winnow's own simulator or detectors: it exists to judge them from outside.
"""
