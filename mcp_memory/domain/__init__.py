"""The nouns of the project and pure functions over them."""
