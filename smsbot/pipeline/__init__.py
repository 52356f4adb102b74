"""Beam: the journey of a text, in order.

inbox → dispatcher → work, turn → outbox → sender → receipts; timers beside them.
"""
