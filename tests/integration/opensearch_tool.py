"""The programs of tests/contract that talk to OpenSearch or Elasticsearch."""

import os
import subprocess
from pathlib import Path

CONTRACTS = Path(os.environ["CONTRACTS"])


def environment(urls, **env):
    return {**os.environ, "LG_CONTRACT": "opensearch", "LG_OPENSEARCH_URLS": " ".join(urls),
            **{f"LG_OPENSEARCH_{k}": str(v) for k, v in env.items()}}


def run(name, urls, *args, fails=False, timeout=240, **env):
    done = subprocess.run([CONTRACTS / name, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False,
                          env=environment(urls, **env))
    text = done.stdout.decode("utf-8", "replace")
    assert (done.returncode != 0) == fails, text[-8000:]
    return text


def tool(urls, *args, **named):
    return run("opensearch_tool", urls, *args, **named)
