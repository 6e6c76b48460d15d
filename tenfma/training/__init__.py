"""Training: data in, weights with a model card out."""
