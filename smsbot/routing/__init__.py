"""Column: what a text means to a bot, and what its handlers may do."""
