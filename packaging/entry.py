"""Where the frozen app starts."""

from desktop.cli import main

main()
