"""Reading a query: its words, names, language, and whether it asks for all."""
