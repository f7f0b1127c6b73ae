"""Configuration: files, environment and command line into one typed, immutable value.

It talks to no exchange and writes nothing but what it was told to change in its own files; each
package owns the Settings type of its section.
"""
