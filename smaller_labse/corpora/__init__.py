"""Languages and text: lines from files and datasets, samples of them, built-in sentences."""
