"""Rollups: what is materialised, how wide, and how it is kept up to date."""
