"""The composition root: the only package that picks concrete adapters and knows the mode.

It decides nothing about trading and draws nothing.
"""
