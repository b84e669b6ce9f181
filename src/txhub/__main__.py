"""`python -m txhub` is `txhub`."""

from txhub.cli import main

main()
