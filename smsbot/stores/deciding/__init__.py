"""What a commit decides, with no database: what a batch has to know, and the rows that it leaves (pure)."""
