"""The HTTP API: what the contract says, over Litestar."""
