"""Rules about market data: which pairs, which candles, which indicators, how fresh.

Nothing here fetches, stores, waits or reads a clock; instants and messages come in as arguments.
"""
