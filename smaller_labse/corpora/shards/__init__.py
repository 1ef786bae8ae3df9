"""Parts and shards of a text: what one of several machines counts, and what makes their counts add up."""
