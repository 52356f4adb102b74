"""Proofs about flows and routes before they run; the story format."""
