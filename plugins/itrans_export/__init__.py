"""Writes checkpoints as files that other programs use: ONNX, PyTorch's pt2 and safetensors."""
