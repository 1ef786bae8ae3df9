"""The commands of `select-vocab`: a file for each, with its options, what it calls and what it prints."""
