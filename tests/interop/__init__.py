"""Other implementations of the format, held to the same vectors."""
