"""What a text means: its words, answers, keywords, consent, noise; pure, by tables and rules."""
