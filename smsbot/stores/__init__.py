"""Column: where conversations, messages and texts owed are kept."""
