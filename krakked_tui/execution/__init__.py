"""From plan to orders, and the truth about each order until its end.

It does not decide what to trade, does not compute PnL, and never talks to an exchange.
"""
