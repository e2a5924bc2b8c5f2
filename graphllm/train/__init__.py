"""Training what graphllm learns: examples, losses and one loop for cpu and cuda."""
