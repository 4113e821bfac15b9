"""Statements about the use of a layer beyond one call and all of its gradients."""
