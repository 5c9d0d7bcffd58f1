"""What an operator does to a store and to tokens, as lines of text."""
