"""Languages, and text in them: lines of files and datasets, word lists, samples, built-in sentences."""
