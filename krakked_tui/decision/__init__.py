"""The decision core: one event in, durable records and effects out, as a function of state.

No clock, no I/O, no await, no randomness: the time is in the event, ids come from a counter.
"""
