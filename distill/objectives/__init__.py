"""What a student is trained to make small: one formula in each file."""
