"""Column: the phone networks. One provider, one file."""
