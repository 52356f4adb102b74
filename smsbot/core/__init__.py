"""The nouns of an SMS conversation and the pure helpers about them: no clock, socket or database."""
