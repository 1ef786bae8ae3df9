"""How a student is trained: the loop, its step and its checkpoints."""
