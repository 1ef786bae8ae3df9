"""Tokenizers: WordPiece, Unigram and BPE, tokenizing text and written for fewer tokens."""
