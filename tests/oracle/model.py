"""The network of src/gnn in PyTorch, with the same state-dict names: the oracle of its tests.

Vectorised over nodes and edges; float32 on the CPU. See src/gnn/gnn.h for the formula and
docs/internals/model-files.md for the names.
"""

import warnings

import torch
from torch import nn
import torch.nn.functional as F

warnings.filterwarnings("ignore", message="scatter_reduce")

FORMAT = 1
CONFIG_FIELDS = (
    "feature_version",
    "vocab",
    "dim",
    "heads",
    "layers",
    "node_types",
    "num_dim",
    "edge_types",
    "attr_bits",
)


class GatLayer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        d, heads, types = cfg["dim"], cfg["heads"], 2 * cfg["edge_types"] + 1
        self.heads = heads
        self.w = nn.Linear(d, d, bias=False)
        self.a_src = nn.Parameter(torch.randn(heads, d // heads) * 0.3)
        self.a_dst = nn.Parameter(torch.randn(heads, d // heads) * 0.3)
        self.edge_bias = nn.Parameter(torch.randn(types, heads) * 0.3)
        self.edge_num = nn.Parameter(torch.randn(heads) * 0.3)
        self.edge_emb = nn.Embedding(types, d)
        self.attr_emb = nn.Embedding(cfg["attr_bits"], d)
        self.bias = nn.Parameter(torch.randn(d) * 0.1)
        self.norm = nn.LayerNorm(d)

    def forward(self, h, src, dst, etype, attr, enum):
        n, d = h.shape
        z = self.w(h)
        zh = z.view(n, self.heads, -1)
        s_src = (zh * self.a_src).sum(-1)
        s_dst = (zh * self.a_dst).sum(-1)
        s = s_src[src] + s_dst[dst] + self.edge_bias[etype] + self.edge_num * enum[:, None]
        s = F.leaky_relu(s, 0.2)
        index = dst[:, None].expand_as(s)
        top = torch.full((n, self.heads), float("-inf")).scatter_reduce(
            0, index, s.detach(), "amax", include_self=True
        )
        p = torch.exp(s - top[dst])
        total = torch.zeros(n, self.heads).index_add(0, dst, p)
        alpha = p / total[dst]
        m = z[src] + self.edge_emb(etype) + attr @ self.attr_emb.weight
        m = (m.view(-1, self.heads, d // self.heads) * alpha[:, :, None]).reshape(-1, d)
        out = torch.zeros(n, d).index_add(0, dst, m)
        return self.norm(h + F.elu(out + self.bias))


class Wide(nn.Module):
    """One weight per token bucket."""

    def __init__(self, vocab):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocab) * 0.1)


class Gat(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = dict(cfg)
        d = cfg["dim"]
        self.tok = nn.Embedding(cfg["vocab"], d)
        self.node_type = nn.Embedding(cfg["node_types"], d)
        self.num = nn.Linear(cfg["num_dim"], d)
        self.inp = nn.Linear(d, d)
        self.inp_norm = nn.LayerNorm(d)
        self.layers = nn.ModuleList(GatLayer(cfg) for _ in range(cfg["layers"]))
        self.read = nn.Linear(2 * d, d)
        self.out = nn.Linear(d, 2)
        self.wide = Wide(cfg["vocab"])
        self.register_buffer("idf", torch.ones(cfg["vocab"]))
        self.register_buffer(
            "config", torch.tensor([FORMAT] + [cfg[f] for f in CONFIG_FIELDS], dtype=torch.int64)
        )

    def prepare(self, g):
        """Index tensors of one graph, as the forward wants them; not part of its time."""
        n, base = g["n_nodes"], self.cfg["edge_types"]
        loop = torch.arange(n)
        bits = torch.arange(self.cfg["attr_bits"])
        attr = ((g["edge_attr"][:, None] >> bits) & 1).float()
        off = g["tok_off"]
        return {
            "n": n,
            "type": g["node_type"],
            "num": g["node_num"],
            "tok": g["tok"],
            "tok_node": torch.repeat_interleave(loop, off[1:] - off[:-1]),
            "src": torch.cat([g["src"], g["dst"], loop]),
            "dst": torch.cat([g["dst"], g["src"], loop]),
            "etype": torch.cat(
                [g["edge_type"], g["edge_type"] + base, torch.full((n,), 2 * base)]
            ),
            "attr": torch.cat([attr, attr, torch.zeros(n, attr.shape[1])]),
            "enum": torch.cat([g["edge_num"], g["edge_num"], torch.zeros(n)]),
        }

    def forward(self, p, keep_h0=False):
        n, d = p["n"], self.cfg["dim"]
        idf = self.idf[p["tok"]]
        norm = torch.zeros(n).index_add(0, p["tok_node"], idf * idf)
        w = idf / norm.sqrt()[p["tok_node"]]
        text = torch.zeros(n, d).index_add(0, p["tok_node"], self.tok(p["tok"]) * w[:, None])
        x = text + self.node_type(p["type"]) + self.num(p["num"])
        h = self.inp_norm(F.elu(self.inp(x)))
        if keep_h0:
            h.retain_grad()
            self.h0 = h
        for layer in self.layers:
            h = layer(h, p["src"], p["dst"], p["etype"], p["attr"], p["enum"])
        self.embeddings = h
        cat = torch.cat([h.mean(0), h.max(0).values])
        logits = self.out(F.elu(self.read(cat)))
        wide = self.wide.weight[p["tok"]].sum() / float(n) ** 0.5
        return logits + torch.stack([torch.zeros_like(wide), wide])


def random_graph(cfg, n, edges, max_tok, gen):
    """A random typed graph; edges lean towards low indices, so that hubs arise."""

    def below(k, size):
        return torch.randint(0, k, (size,), generator=gen)

    toks, off = [], [0]
    for _ in range(n):
        count = int(below(max_tok + 1, 1))
        picked = torch.randperm(cfg["vocab"], generator=gen)[:count].sort().values
        toks.append(picked)
        off.append(off[-1] + len(picked))
    attr = torch.zeros(edges, dtype=torch.int64)
    for bit in range(cfg["attr_bits"]):
        attr |= (torch.rand(edges, generator=gen) < 0.15).long() << bit
    return {
        "n_nodes": n,
        "n_edges": edges,
        "node_type": below(cfg["node_types"], n),
        "node_num": torch.rand(n, cfg["num_dim"], generator=gen) * 3 - 1,
        "tok_off": torch.tensor(off),
        "tok": torch.cat(toks) if toks else torch.zeros(0, dtype=torch.int64),
        "src": (torch.rand(edges, generator=gen) ** 2 * n).long().clamp(max=n - 1),
        "dst": below(n, edges),
        "edge_type": below(cfg["edge_types"], edges),
        "edge_attr": attr,
        "edge_num": torch.rand(edges, generator=gen) * 4,
    }
