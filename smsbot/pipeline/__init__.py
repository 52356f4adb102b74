"""Beam: the journey of a text, in order: inbox → dispatcher → turn → outbox → sender → receipts; timers beside."""
