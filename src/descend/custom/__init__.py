"""Losses and models of your own, written for NumPy, JAX or PyTorch."""

from descend.custom.loss import CustomLoss, custom_loss
from descend.custom.model import CustomModel, custom_model

__all__ = ["CustomLoss", "CustomModel", "custom_loss", "custom_model"]
