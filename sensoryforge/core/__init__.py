"""The cellar: errors, messages, exact numbers, signals, devices; it knows nothing of touch."""
