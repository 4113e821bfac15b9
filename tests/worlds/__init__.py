"""Small worlds that tests build: miniatures, hosts, records, drawn cases, planted faults."""
