"""One command for all stages: from languages and a size to a verified model, by the stages' own verbs."""
