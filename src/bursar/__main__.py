"""`python -m bursar` is `bursar`."""

from bursar.cli.start import main

main()
