"""Column: what is decided above the bots, such as consent."""
