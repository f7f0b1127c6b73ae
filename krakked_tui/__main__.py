"""``python -m krakked_tui`` and the console script."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        # Answered before anything else is imported: scripts ask this often.
        from krakked_tui import __version__

        print(__version__)  # noqa: T201 - the answer
        return
    from krakked_tui.cli.app import run_command_line

    sys.exit(run_command_line(arguments))


if __name__ == "__main__":
    main()
