"""A local Kraken: an HTTP and WebSocket v2 server on loopback with a made-up market and real books.

It never reaches the network, never listens beyond loopback and never invents what Kraken would not say.
"""
