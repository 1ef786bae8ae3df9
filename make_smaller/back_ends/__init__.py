"""Back ends: what is made of an original of one kind, from TF Hub or from Hugging Face."""
