"""Trackers to follow a run with: TensorBoard, Weights & Biases, MLflow, a file of JSON lines."""
