"""The dialogs above the main screen: they say what would happen, and ask.

They reach the engine only through the desk, and only after the answer they asked for.
"""
