"""The network in PyTorch: python model.py in.csv out.csv; needs torch and safetensors.

`network` builds an nn.Sequential in double from model.json and model.safetensors.  It takes encoded
rows, as predict.read makes them from a table, and returns raw scores: predict.answer turns those
into predictions and labels.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn


class Cos(nn.Module):
    """The cosine, which torch.nn lacks."""

    def forward(self, z):
        """Return the cosine of every entry."""
        return torch.cos(z)


ACTIVATIONS = {
    "identity": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": lambda: nn.GELU("tanh"),
    "silu": nn.SiLU,
    "softplus": lambda: nn.Softplus(threshold=40),  # beyond, log(1 + e^z) is z in double
    "cos": Cos,
    "softmax": lambda: nn.Softmax(dim=-1),
}


def network(model, state):
    """Return the nn.Sequential of a model, filled with a state_dict."""
    modules = []
    for layer in model["layers"]:
        units = layer["units"]
        modules.append(nn.Linear(len(units[0]) - 1, len(units), dtype=torch.float64))
        modules.append(ACTIVATIONS[layer["activation"]](*layer["numbers"]))
    net = nn.Sequential(*modules[:-1])
    net.load_state_dict(state)
    return net.eval()


if __name__ == "__main__":
    import predict

    folder = Path(__file__).parent
    model = json.loads((folder / "model.json").read_text("utf-8"))
    net = network(model, load_file(folder / "model.safetensors"))
    rows = torch.tensor(predict.read(model, sys.argv[1]), dtype=torch.float64)
    with torch.no_grad():
        predict.write(model, sys.argv[2], net(rows).tolist())
