"""Where a run can be followed besides its log: TensorBoard, Weights & Biases, MLflow, a file of JSON lines."""
