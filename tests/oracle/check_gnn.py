#!/usr/bin/python3
"""Holds the network in build/release against PyTorch.

1. The committed golden files are what the oracle computes today: weights and graphs exactly,
   results within 1e-4 (gradients 1e-3).
2. The C tests pass on golden files of a fresh random seed, which is printed; a run is repeated
   with that seed as the only argument.
"""

import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_golden

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TESTS = ("test_oracle_gnn",)
COMPUTED = ("grad.", "trained.", "train_", "logits", "embeddings", "score")


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    out = {}
    for name, t in json.loads(data[8 : 8 + n]).items():
        a, b = t["data_offsets"]
        kind = {"F32": "<f4", "I64": "<i8"}[t["dtype"]]
        out[name] = numpy.frombuffer(data[8 + n + a : 8 + n + b], kind).reshape(t["shape"])
    return out


def compare(committed, fresh):
    """Number of tensors that differ."""
    wrong = 0
    if committed.keys() != fresh.keys():
        print("oracle: other tensors:", sorted(committed.keys() ^ fresh.keys()))
        return 1
    for name, want in fresh.items():
        got = committed[name]
        if any(part in name for part in COMPUTED):
            tolerance = 1e-3 if "grad." in name or "trained." in name else 1e-4
            same = got.shape == want.shape and numpy.allclose(got, want, tolerance, tolerance)
        else:
            same = numpy.array_equal(got, want)
        if not same:
            print(f"oracle: {name} differs")
            wrong += 1
    return wrong


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(1 << 30)
    wrong = 0
    with tempfile.TemporaryDirectory() as tmp:
        make_golden.write_all(tmp, make_golden.SEED)
        for name in make_golden.CASES:
            file = name + ".golden.safetensors"
            wrong += compare(
                read_safetensors(os.path.join(make_golden.GOLDEN, file)),
                read_safetensors(os.path.join(tmp, file)),
            )
        print(f"oracle: committed golden files: {wrong} tensors differ")
        print(f"oracle: fresh graphs and weights of seed {seed}")
        make_golden.write_all(tmp, seed)
        for test in TESTS:
            program = os.path.join(ROOT, "build", "release", "tests", test)
            done = subprocess.run([program], env={**os.environ, "LG_GOLDEN_DIR": tmp}, check=False)
            wrong += done.returncode != 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
