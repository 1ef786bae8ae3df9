"""Options that several commands take, each declared once; a stage's own are declared in its folder."""
