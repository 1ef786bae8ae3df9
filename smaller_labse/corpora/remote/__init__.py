"""Text in buckets and on servers, read by its URL through fsspec."""
