"""Networks that txhub serves itself, as a node that cannot be told from a real one by its answers."""
