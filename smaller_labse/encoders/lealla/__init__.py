"""LEALLA: its weights, the SavedModel that is called as it is, its Hugging Face folder."""
