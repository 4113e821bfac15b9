"""Faults of use: beyond one call by arrays that fit, and beyond all of its gradients; one chapter in three files."""
