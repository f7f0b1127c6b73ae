"""Kraken's wire format and the way to it: REST, WebSocket v2, and the broker and feed ports over them.

It decides nothing about trading, keeps no state that outlives the process, and lets no secret out.

Sans-I/O half: ``keys``, ``signing``, ``nonce``, ``settings``, ``wire``, ``frames``, ``endpoints``,
``rate_limits``, ``symbols``, ``errors``, ``error_codes``, ``encode``, ``envelope``, ``decode``,
``session``, ``executions``. Transport half: ``rest``, ``paging``, ``listing``, ``stream``,
``market_stream``, ``account_stream``, ``broker``, ``feed``.
"""
