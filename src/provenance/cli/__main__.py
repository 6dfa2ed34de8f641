"""`python -m provenance.cli`, where the command is not on the path."""

from provenance.cli import main

main()
