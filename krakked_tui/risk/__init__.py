"""Risk: what strategies want in, what they may do out, with every limit's verdict.

Nothing here fetches, stores or sends; a decision is a function of its arguments alone.
"""
