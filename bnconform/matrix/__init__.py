"""The matrix: versions of frameworks as data, and the environments in which they run."""
