#!/usr/bin/python3
"""usage: load_saved.py FROM_TORCH.pt FROM_C.pt FROM_C.safetensors

What the C side saved loads with torch.load(weights_only=True) and by the safetensors layout, fits
the module, and has the bits of the file that it was loaded from. Run by tests/unit/gnn/test_torch.c.
"""

import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_gnn import read_safetensors
from model import CONFIG_FIELDS, Gat


def main():
    ours, theirs, flat = sys.argv[1:]
    want = torch.load(ours, weights_only=True)
    got = torch.load(theirs, weights_only=True)
    also = read_safetensors(flat)
    assert got.keys() == want.keys() == also.keys(), got.keys() ^ want.keys()
    for name, t in want.items():
        assert got[name].dtype == t.dtype and torch.equal(got[name], t), name
        assert (also[name] == t.numpy()).all() and also[name].shape == tuple(t.shape), name
    cfg = dict(zip(CONFIG_FIELDS, got["config"].tolist()[1:]))
    Gat(cfg).load_state_dict(got, strict=True)
    print(f"{len(got)} tensors agree")


if __name__ == "__main__":
    main()
