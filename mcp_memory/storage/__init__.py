"""Places for memories: the contract, and the stores that keep it."""
