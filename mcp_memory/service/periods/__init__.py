"""Times in words and figures, in several languages, as periods in UTC."""
