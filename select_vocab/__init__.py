"""Stage 1: text becomes counts, and counts become a selection."""
