"""The decisions of a commit, with no database: the facts of a batch, and the rows that follow from them (pure)."""
