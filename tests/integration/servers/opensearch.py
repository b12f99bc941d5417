"""OpenSearch or Elasticsearch nodes of a test's own, on loopback, in a temporary folder."""

import atexit
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from servers.ports import free_ports

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 120
RUNNER_PORTS = range(9201, 9300)  # the runner's main program knows no others


class Node:
    """One node, a process of its own: `start`, `stop` (in good order), `kill`."""

    def __init__(self, kind, folder, port, transport, seeds, heap, fast):
        self.kind, self.folder, self.port = kind, Path(folder), port
        self.heap, self.fast = heap, fast
        self.url = f"http://127.0.0.1:{port}"
        self.log = self.folder / "node.log"
        self.process = None
        config = self.folder / "config"
        config.mkdir(parents=True)
        settings = ["network.host: 127.0.0.1", f"transport.port: {transport}",
                    "cluster.routing.allocation.disk.threshold_enabled: false"]
        if len(seeds) == 1:
            settings.append("discovery.type: single-node")
        else:
            hosts = json.dumps([f"127.0.0.1:{p}" for p in seeds])
            settings += [f"discovery.seed_hosts: {hosts}",
                         f"cluster.initial_cluster_manager_nodes: {hosts}"]
        (config / f"{kind.NAME}.yml").write_text("\n".join(settings) + "\n")

    def launch(self):
        jars = ROOT / f"build/servers/{self.kind.NAME}"
        # The runner takes the first free port above the one that it is given.
        args = ["java", f"-Xms{self.heap}", f"-Xmx{self.heap}", "-XX:+UseSerialGC",
                *([] if self.fast else ["-XX:TieredStopAtLevel=1"]), "-cp", f"{jars}/*",
                self.kind.MAIN,
                "-basePath", str(self.folder), "-confPath", str(self.folder / "config"),
                "-dataPath", str(self.folder / "data"), "-logsPath", str(self.folder / "logs"),
                "-clusterName", "logster-test", "-numOfNode", "1",
                "-baseHttpPort", str(self.port - 1), "-useLogger"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder)
        atexit.register(self.process.kill)

    def wait_started(self, status="yellow"):
        end = time.monotonic() + START_SECONDS
        path = f"/_cluster/health?wait_for_status={status}&timeout=5s"
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended: {self.errors()}")
            try:
                if not self.ask("GET", path, timeout=10)["timed_out"]:
                    return self
            except (OSError, urllib.error.HTTPError):
                pass
            if time.monotonic() > end:
                raise AssertionError(f"not up in {START_SECONDS} s: {self.errors()}")
            time.sleep(0.1)

    def start(self):
        self.launch()
        return self.wait_started()

    def ask(self, method, path, body=None, timeout=60):
        """A request from outside, with plain JSON (or a string of bulk lines) and its answer."""
        data = None if body is None else (
            body.encode() if isinstance(body, str) else json.dumps(body).encode())
        req = urllib.request.Request(self.url + path, data=data, method=method,
                                     headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(req, timeout=timeout) as answer:
            text = answer.read()
        return json.loads(text) if text.strip().startswith((b"{", b"[")) else text.decode()

    def errors(self):
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else ""

    def stop(self, timeout=60):
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()


class OpenSearch:
    """A cluster of 1..3 nodes. Each needs about 0.6 GiB. `fast`: for long runs, where the time that
    the compiler takes at first comes back."""

    NAME, MAIN = "opensearch", "org.codelibs.opensearch.runner.OpenSearchRunner"

    def __init__(self, nodes=1, heap="512m", fast=False):
        subprocess.run([ROOT / "scripts/servers.sh", self.NAME], check=True,
                       stdout=subprocess.DEVNULL)
        self.folder = Path(tempfile.mkdtemp(prefix=f"logster-{self.NAME}-"))
        ports = free_ports(nodes, RUNNER_PORTS)
        transports = free_ports(nodes)
        self.nodes = [Node(type(self), self.folder / f"n{i}", ports[i], transports[i], transports,
                           heap, fast)
                      for i in range(nodes)]

    def start(self):
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_started()
        return self

    @property
    def urls(self):
        return [n.url for n in self.nodes]

    def ask(self, *args, **named):
        return self.nodes[0].ask(*args, **named)

    def stop(self):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.kill()  # its folder goes anyway
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()


class Elasticsearch(OpenSearch):
    """The same of Elasticsearch."""

    NAME, MAIN = "elasticsearch", "org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner"
