"""Networks: loaded models that turn strings into tokens and tokens into embeddings, one library a file."""
