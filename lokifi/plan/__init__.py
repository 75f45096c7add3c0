"""From the file to what must be done: pure functions, no I/O."""
