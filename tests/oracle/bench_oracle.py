#!/usr/bin/python3
"""Time of the vectorised PyTorch oracle on the graph size of tests/bench/bench_gnn.c: 100 nodes,
300 edges, one thread, inference_mode, median of 200 runs after 50 warm-ups, as a JSON line."""

import json
import os
import statistics
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import Gat, random_graph

CFG = dict(feature_version=1, vocab=16384, dim=128, heads=4, layers=3, node_types=10, num_dim=8,
           edge_types=24, attr_bits=16)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(2)
    model = Gat(CFG).eval()
    p = model.prepare(random_graph(CFG, 100, 300, 20, gen))
    times = []
    with torch.inference_mode():
        for _ in range(250):
            start = time.perf_counter()
            model(p)
            times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"name": "gnn_oracle_forward_100_300",
                      "value": round(statistics.median(times[50:]), 4), "unit": "ms"}))


if __name__ == "__main__":
    main()
