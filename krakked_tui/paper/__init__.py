"""Paper trading: an account that is simulated against live prices, as the ``Broker`` port.

It talks to no exchange and reads no clock of its own: prices, time and storage are handed in.
"""
