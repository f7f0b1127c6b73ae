"""What the screens say, as values: views in, styled lines out.

Pure: nothing here draws, waits or reads a clock; every text given to it is already clean.
"""
