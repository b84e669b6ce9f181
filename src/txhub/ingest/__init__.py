"""From a source of blocks into the ledger: the live edge, what lies behind it, and who looks after both."""
