"""Pictures: files, arrays, planes of tensors, and back."""
