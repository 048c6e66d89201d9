"""Run the command line with ``python -m shequ``."""

from shequ.cli import main

main()
