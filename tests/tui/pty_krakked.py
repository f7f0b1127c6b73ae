"""The program itself behind the tests' terminal: all arguments but the first are its own."""

import sys

from krakked_tui.__main__ import main

if __name__ == "__main__":
    sys.argv = ["krakked-tui", *sys.argv[2:]]
    main()
