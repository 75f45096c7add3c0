"""Ground floor: errors, processes, files, YAML with positions. Knows nothing of platforms."""
