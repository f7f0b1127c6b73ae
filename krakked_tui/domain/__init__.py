"""Values everyone shares: money, pairs, candles, orders, fills, plans, errors.

Nothing here does I/O, reads a clock or decides anything.
"""
