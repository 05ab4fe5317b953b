"""What is inside a file: probe, packet index, exact frames."""
