"""The dashboard: pages that read txhub's API through `txhub.client`, and nothing else."""
