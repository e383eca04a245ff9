"""Wire formats, one a file; in each, parse and serialise mirror each other."""
