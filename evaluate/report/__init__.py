"""A comparison written down: page, tables, pictures, model cards."""
