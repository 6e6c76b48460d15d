"""Embeddings: featurize, evolve, pool."""
