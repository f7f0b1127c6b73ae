"""The API key and what else must stay secret: the encrypted file, and the ways to its master password.

It never talks to the exchange, judges no key and shows no secret: what it hands out is wrapped, and
nothing it raises or logs carries plain text.
"""
