"""`bnconform matrix` and `bnconform bisect`: cells of a matrix and versions of a framework, each in its environment."""
