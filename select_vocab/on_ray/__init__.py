"""Counting on a Ray cluster: shards as tasks."""
