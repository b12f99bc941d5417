"""Three OpenSearch nodes of which one after the other is killed while events go in."""

import re
import subprocess
import time

from opensearch_tool import CONTRACTS, environment, tool
from servers.opensearch import OpenSearch

EVENTS = 9000


def test_nodes_killed_under_writes():
    """Whichever node the writer talks to, and whichever holds the shard: everything once."""
    with OpenSearch(3) as cluster:
        how = {"RETRY_MS": 5000, "REPLICAS": 1}
        tool(cluster.urls, "init", **how)
        writer = subprocess.Popen([CONTRACTS / "opensearch_tool", "write", "0", str(EVENTS)],
                                  env=environment(cluster.urls, **how), stdout=subprocess.PIPE)
        said, killed = [], 0
        for line in writer.stdout:
            said.append(line.decode())
            at = re.match(r"at (\d+)$", said[-1])
            if at and int(at.group(1)) in (2000, 5000, 7000):
                node = cluster.nodes[killed % 3]
                killed += 1
                node.kill()
                time.sleep(0.5)
                node.launch()
        assert writer.wait(60) == 0, "".join(said[-20:])
        assert killed == 3 and re.search(r"stored \d+ duplicate \d+ conflict 0 refused 0", said[-2])
        for node in cluster.nodes:
            node.wait_started()
        cluster.ask("POST", "/logster-events-*/_refresh")
        seen, after = [], []
        while True:
            body = {"size": 5000, "_source": False,
                    "sort": [{"logster.time": "asc"}, {"logster.tie": "asc"}],
                    **({"search_after": after} if after else {})}
            hits = cluster.ask("POST", "/logster-events-*/_search", body)["hits"]["hits"]
            if not hits:
                break
            seen += [h["_id"] for h in hits]
            after = hits[-1]["sort"]
        assert len(seen) == len(set(seen)) == EVENTS
