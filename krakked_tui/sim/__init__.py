"""Made-up markets and the one matching core that paper, backtest and the sandbox exchange share.

Everything is a pure function of a seed, a time and what was asked; nothing here reads a clock or does I/O.
"""
