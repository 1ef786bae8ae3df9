"""Stage 3, optional: a model folder, a teacher and text become a model folder with fewer layers."""
