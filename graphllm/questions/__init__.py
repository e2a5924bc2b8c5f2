"""Questions built from graphs: invented ones for training, and the user's own."""
