"""What models are measured on: translation retrieval, mining, similarity."""
