"""SQLite files on the local disk: the journal and the candle store behind their ports.

It keeps and returns values; it never interprets them, talks to the network or decides anything.
"""
