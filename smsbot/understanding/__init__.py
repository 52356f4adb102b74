"""The meaning of a text: its words, answers, keywords, consent, noise; pure, by tables and rules."""
