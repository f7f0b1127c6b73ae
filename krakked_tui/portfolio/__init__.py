"""What we hold, what it cost, what we have made, and whether we believe it: pure bookkeeping.

It never places an order, decides a trade, fetches or stores anything.
"""
