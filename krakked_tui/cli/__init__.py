"""The command line: arguments in, exit code out.

It parses, hands over to the composition root, and reports; nothing of the product happens here.
"""
