"""Records of text: files and Hugging Face datasets, one text in each."""
