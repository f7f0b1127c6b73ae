"""Strategies: closed candles in, intents out.

A strategy knows neither money nor orders, and sees nothing but what it is handed: no clock, no
network, no disk.
"""
