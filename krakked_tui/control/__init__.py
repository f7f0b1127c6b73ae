"""The only door to a running engine: commands in, views and events out.

The TUI, headless mode, signals and the CLI all come through here; nothing here trades by itself.
"""
