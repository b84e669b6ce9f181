"""Questions to the database, a module each: what is asked for is checked, read and shaped as the contract says."""
