"""Ask a graph you already have, and get an answer that names the edges it stands on."""
