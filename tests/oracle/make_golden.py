#!/usr/bin/python3
"""Writes the golden files of tests/data/gnn from the PyTorch oracle; `make oracle` checks them.

One `.safetensors` per case holds graphs, logits, embeddings, input gradients and parameter
gradients; `<case>.pt` is the state dict as torch.save writes it. Hostile files show what the
restricted reader must refuse. Run by Debian's python3 with python3-torch 1.13; same seeds, same
files, up to the last bits of its sums.
"""

import json
import os
import struct
import sys
import zipfile

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import Gat, random_graph

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "gnn")
SEED = 100

CASES = {
    # name: (config, [(nodes, edges, tokens a node)], every how manieth gradient is kept)
    "tiny": (
        dict(feature_version=1, vocab=64, dim=32, heads=2, layers=2, node_types=3, num_dim=2,
             edge_types=3, attr_bits=4),
        [(1, 0, 4), (2, 1, 3), (7, 12, 6), (25, 60, 8)],
        1,
    ),
    "odd": (
        dict(feature_version=1, vocab=50, dim=48, heads=3, layers=3, node_types=5, num_dim=3,
             edge_types=4, attr_bits=32),
        [(3, 0, 0), (9, 20, 5), (17, 30, 4)],
        1,
    ),
    "full": (
        dict(feature_version=1, vocab=96, dim=128, heads=4, layers=3, node_types=6, num_dim=4,
             edge_types=5, attr_bits=8),
        [(12, 20, 6), (60, 150, 10)],
        7,
    ),
}
NP = {torch.float32: "F32", torch.int64: "I64"}


def save_safetensors(path, tensors):
    header, at, blobs = {}, 0, []
    for name in sorted(tensors):
        t = tensors[name].detach().contiguous()
        raw = t.numpy().tobytes()
        header[name] = {
            "dtype": NP[t.dtype],
            "shape": list(t.shape),
            "data_offsets": [at, at + len(raw)],
        }
        at += len(raw)
        blobs.append(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def build(cfg, seed):
    torch.manual_seed(seed)
    model = Gat(cfg)
    with torch.no_grad():
        model.tok.weight.mul_(0.5)
        for layer in model.layers:
            layer.edge_emb.weight.mul_(0.3)
            layer.attr_emb.weight.mul_(0.3)
            layer.norm.weight.add_(torch.randn(cfg["dim"]) * 0.1)
            layer.norm.bias.add_(torch.randn(cfg["dim"]) * 0.1)
        model.idf.copy_(torch.rand(cfg["vocab"]) * 3 + 0.5)
    return model


def gradients(model, graphs, stride):
    """Per-graph results, and the gradient of sum_i (logits_i . c_i) with c_i = (1, -2) * (i + 1)."""
    out = {"grad_stride": torch.tensor(stride)}
    model.zero_grad()
    for i, g in enumerate(graphs):
        p = model.prepare(g)
        logits = model(p, keep_h0=True)
        h0 = model.h0
        (logits[1] - logits[0]).backward()
        wide = torch.zeros(g["n_nodes"]).index_add(
            0, p["tok_node"], model.wide.weight.detach()[p["tok"]]
        ) / float(g["n_nodes"]) ** 0.5
        out[f"graph{i}.score"] = ((h0.grad * h0).sum(1) + wide).abs()
        out[f"graph{i}.logits"] = logits
        out[f"graph{i}.embeddings"] = model.embeddings
    model.zero_grad()
    for i, g in enumerate(graphs):
        logits = model(model.prepare(g))
        (logits * torch.tensor([1.0, -2.0]) * (i + 1)).sum().backward()
    for name, p in model.named_parameters():
        out["grad." + name] = p.grad.flatten()[::stride].clone()
    return out


NO_DECAY = ("bias", "norm.weight", "norm.bias", "edge_num")


def train(model, graphs, stride):
    """Weights after a few AdamW steps on all graphs: smoothing, sample and class weights, clip."""
    groups = {True: [], False: []}
    for name, p in model.named_parameters():
        groups[not name.endswith(NO_DECAY)].append(p)
    opt = torch.optim.AdamW(
        [
            {"params": groups[True], "weight_decay": 0.05},
            {"params": groups[False], "weight_decay": 0.0},
        ],
        lr=0.01,
    )
    out = {}
    for step in range(6):
        total = scale = 0
        for i, g in enumerate(graphs):
            logits = model(model.prepare(g))
            q = torch.tensor([0.95, 0.05]) if i % 2 == 0 else torch.tensor([0.05, 0.95])
            w = (1 + i) * (0.5 if i % 2 == 0 else 2.0)
            total = total - w * (q * F.log_softmax(logits, 0)).sum()
            scale += w
        opt.zero_grad()
        (total / scale).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        out[f"train_loss{step}"] = (total / scale).reshape(1)
        out[f"train_norm{step}"] = norm.reshape(1)
        opt.step()
    for name, p in model.named_parameters():
        out["trained." + name] = p.detach().flatten()[::stride]
    return out


def write_case(out, name, cfg, sizes, stride, seed):
    model = build(cfg, seed)
    gen = torch.Generator().manual_seed(seed + 1)
    graphs = [random_graph(cfg, *size, gen) for size in sizes]
    tensors = gradients(model, graphs, stride)
    for i, g in enumerate(graphs):
        for key, value in g.items():
            if isinstance(value, int):
                value = torch.tensor(value)
            tensors[f"graph{i}.{key}"] = value
    torch.save(model.state_dict(), os.path.join(out, name + ".pt"))
    if name == "tiny":
        tensors.update(train(model, graphs, 4))
    save_safetensors(os.path.join(out, name + ".golden.safetensors"), tensors)


class Evil:
    def __reduce__(self):
        return (os.system, ("echo this must never run",))


def zip_pt(path, data_pkl):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        members = [("data.pkl", data_pkl), ("version", b"3\n")]
        for name, raw in members:
            z.writestr(zipfile.ZipInfo("archive/" + name, (1980, 1, 1, 0, 0, 0)), raw)


def write_hostile(out):
    linear = torch.nn.Linear(3, 2)
    torch.save({"state_dict": linear.state_dict(), "hook": Evil()},
               os.path.join(out, "hostile_system.pt"))
    zip_pt(os.path.join(out, "hostile_eval.pt"),
           b"\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R.")
    torch.save(linear, os.path.join(out, "hostile_module.pt"))


def write_containers(out):
    """What a checkpoint may hold beside tensors: containers, numbers, strings, views, dtypes."""
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    torch.save(
        {
            "epoch": 3,
            "loss": 0.25,
            "note": "text",
            "flags": [True, False, None],
            "model": {"t": base.t(), "row": base[1], "shared": base, "scalar": torch.tensor(7)},
            "list": [torch.zeros(2, 0), (torch.tensor([1, 2], dtype=torch.uint8),)],
            "half": torch.tensor([1.5], dtype=torch.float16),
            "param": torch.nn.Parameter(torch.tensor([2.0])),
        },
        os.path.join(out, "containers.pt"),
    )


def write_all(out, seed):
    torch.set_num_threads(1)
    os.makedirs(out, exist_ok=True)
    for i, (name, (cfg, sizes, stride)) in enumerate(CASES.items()):
        write_case(out, name, cfg, sizes, stride, seed + 10 * i)
    write_hostile(out)
    write_containers(out)


if __name__ == "__main__":
    write_all(GOLDEN, SEED)
    total = sum(os.path.getsize(os.path.join(GOLDEN, f)) for f in os.listdir(GOLDEN))
    print(f"oracle: wrote {os.path.normpath(GOLDEN)}, {total} bytes in all")
