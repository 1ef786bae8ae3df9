"""Trim multilingual sentence encoders to the languages that you need."""
