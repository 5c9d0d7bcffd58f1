"""Texts to vectors: the models, where they are, and who may run them."""
