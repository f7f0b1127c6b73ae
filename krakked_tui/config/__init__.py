"""Configuration: files, environment and command line into one typed, immutable value.

It talks to no exchange and keeps nothing; each package owns the Settings type of its section.
"""
