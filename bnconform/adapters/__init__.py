"""One module per framework; importing one without its framework raises ModuleNotFoundError. Only the host does so."""
