"""Running heavy work in a child process with progress, cancel and crash detection."""
