"""Column: conversations in straight-line Python, replayed from their journal (pure)."""
