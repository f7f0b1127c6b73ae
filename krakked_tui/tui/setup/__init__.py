"""First-run set-up as screens: it asks, has the key checked, and saves through ``SetupService``.

It writes nothing itself, and starts nothing.
"""
