"""Cells and their gradients as numpy equations."""
