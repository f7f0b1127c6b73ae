"""What may be wrong before a start, found out one thing at a time, each with what to do about it.

Nothing here repairs, and nothing disturbs an engine that is running.
"""
