"""The terminal screen: what an operator sees of a running engine, and the keys that command it.

It talks to a controller only; it decides nothing, and nothing that happens to it may reach the engine.
"""
