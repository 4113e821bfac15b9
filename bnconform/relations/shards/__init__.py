"""Relations of a batch that is shared out over replicas."""
