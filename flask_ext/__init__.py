"""The Flask extension for sealed-session: the web floor of the house, over the framework-free core."""
