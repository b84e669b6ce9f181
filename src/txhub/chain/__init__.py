"""From a node to decoded blocks: sources, decoding, the registry of chains, and the demo network."""
