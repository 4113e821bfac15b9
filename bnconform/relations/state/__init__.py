"""Statements about a layer with a state of its own."""
