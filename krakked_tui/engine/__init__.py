"""The I/O shell around the decision core: clocks, sources, the runner, effects, supervision.

It decides nothing about trading; it carries events in and effects out through the ports.
"""
