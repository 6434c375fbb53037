"""Studies: what many pictures, and many trainings, say about checkpoints; and what becomes of claims about them."""
