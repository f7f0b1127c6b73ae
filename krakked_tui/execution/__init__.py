"""From plan to orders, and the truth about each order until its end.

It does not decide what to trade, keeps no account's books, and never talks to an exchange.
"""
