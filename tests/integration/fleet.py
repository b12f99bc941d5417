"""A fleet's platform: Kafka, OpenSearch and PostgreSQL, and `logster service` processes on them."""

import os
import subprocess
from pathlib import Path

from platform_util import Platform
from servers.kafka import Kafka
from servers.link import Link
from servers.opensearch import OpenSearch
from servers.postgres import Postgres

STAGES = ("normalizer", "inference", "indexer", "alerts")
PARTS = ("intake", *STAGES, "api")


class Service(Platform):
    """One process of a part; all of a fleet share a folder, and with it the configuration."""

    def __init__(self, folder, name, number=0):
        super().__init__(folder)
        self.command = ["service", name]
        self.greeting = b" is up: "
        self.log = self.folder.parent / f"{name}{number}.log"
        self.settings = {"api.port": 0, "dashboard.port": 0}


class Fleet:
    """`with Fleet(tmp_path) as fleet`: servers, `service kafka-init` and `store-init`, one process
    of each part. `settings` go to all processes; `brokers` is how many there are. `migrate_from`: the
    folder of an embedded platform that was stopped, whose data move to the servers. `links`: services
    reach the servers, and brokers each other, through `self.links`, which a test can cut. `kafka`:
    settings of the brokers beside the tests' own."""

    PARTITIONS = 4

    def __init__(self, folder, brokers=1, parts=PARTS, migrate_from=None, links=False,
                 kafka=None, **settings):
        self.top = Path(folder)
        self.folder = Path(migrate_from or self.top / "logster")
        self.migrate_from = migrate_from
        self.parts = parts
        self.postgres = Postgres(durable=False)
        self.kafka = Kafka(self.top / "kafka", brokers=brokers, links=links, extra=kafka)
        self.search = OpenSearch()
        self.links = []
        search, postgres = self.search.nodes[0].port, self.postgres.port
        if links:
            stores = [Link(search), Link(postgres)]
            search, postgres = (link.port for link in stores)
            self.links = stores + [link for b in self.kafka.brokers for link in b.links]
        self.services = {}  # name -> [Service]
        self.made_shipper = None
        self.settings = {
            "bus.type": "kafka", "bus.partitions": self.PARTITIONS,
            "bus.kafka.brokers": f"[{', '.join(b.address for b in self.kafka.brokers)}]",
            "bus.kafka.security": "plaintext", "bus.kafka.replication": min(brokers, 3),
            "bus.kafka.min_insync": 2 if brokers > 2 else 1,
            # written by our intake alone
            "bus.kafka.sources": "[sysmon-logs=default:sysmon:trusted, "
                                 "linux-auditd-logs=default:auditd:trusted]",
            "store.alerts": "postgresql", "store.postgresql.hosts":
                f"[127.0.0.1:{postgres}]",
            "store.postgresql.database": "postgres", "store.postgresql.owner": "postgres",
            "store.postgresql.owner_password_file": self.top / "owner",
            "store.postgresql.password_file": self.top / "password",
            "store.postgresql.tls": "disable",
            "store.events": "opensearch", "store.opensearch.replicas": 0,
            "store.opensearch.urls": f"[http://127.0.0.1:{search}]",
            **settings}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def start(self):
        self.top.mkdir(exist_ok=True)
        (self.top / "owner").write_text(Postgres.PASSWORD + "\n")
        (self.top / "password").write_text("of the application\n")
        for link in self.links:
            link.mend()
        self.search.start()
        self.postgres.start()
        self.kafka.start()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "service-config.yaml").write_text(
            "".join(f"{key}: {value}\n" for key, value in self.settings.items()))
        if self.migrate_from:
            self.run("migrate")
        else:
            self.run("service", "store-init")
        self.run("service", "kafka-init")
        for name in self.parts:
            self.add(name)

    def run(self, *command):
        """A command with the fleet's configuration; what it printed."""
        done = subprocess.run([os.environ["LOGSTER"], *command, "--data-dir", self.folder],
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add(self, name):
        """One more process of the part."""
        all_of = self.services.setdefault(name, [])
        one = Service(self.folder, name, len(all_of))
        all_of.append(one)
        one.start()
        return one

    def __getattr__(self, name):
        if name in PARTS:
            return self.services[name][0]
        raise AttributeError(name)

    # A fleet is driven like a Platform: events go to the intake, questions to the API.

    @property
    def url(self):
        return self.intake.url

    @property
    def token(self):
        return self.api.token

    @property
    def shipper(self):
        """A token that may only send."""
        if self.made_shipper is None:
            self.made_shipper = self.api.request("POST", "/tokens", {
                "name": "shipper", "tenants": {"default": ["ingest"]}}).json()["token"]
        return self.made_shipper

    def get(self, path, **more):
        return self.api.get(path, **more)

    def wait(self, what, good, seconds=120):
        return self.api.wait(what, good, seconds)

    def refresh(self):
        self.search.ask("POST", "/logster-*/_refresh")

    def metric(self, name):
        return self.api.metric(name)

    def every(self):
        return [s for name in PARTS for s in self.services.get(name, [])]

    def settle(self, raw, seconds=120):
        """Until `raw` records were normalized and no stage has anything left to do."""
        def state():
            stages = self.api.get("/status").json()["platform"]["stages"]
            return (sum(s.metric("raw_events_total") for s in self.services["normalizer"]
                        if s.process.poll() is None),
                    sum(s["lag"] for s in stages if s["name"] != "inference"))
        return self.wait(state, lambda got: got[0] >= raw and got[1] == 0, seconds)

    def resident_mb(self):
        """Of each process."""
        def of(pid):
            text = Path(f"/proc/{pid}/status").read_text()
            return int(text.split("VmRSS:")[1].split()[0]) / 1024
        return {f"{name}{i}": of(s.process.pid) for name, all_of in self.services.items()
                for i, s in enumerate(all_of) if s.process.poll() is None}

    def count(self, what, query=None):
        """Documents of all indices of `what` (events, inferences), as a foreign client sees them."""
        self.search.ask("POST", f"/logster-{what}-*/_refresh")
        body = {"query": query} if query else None
        return self.search.ask("POST", f"/logster-{what}-*/_count", body)["count"]

    def documents(self, what, query=None, size=10000):
        self.search.ask("POST", f"/logster-{what}-*/_refresh")
        return [hit["_source"] for hit in self.search.ask(
            "POST", f"/logster-{what}-*/_search",
            {"size": size, "query": query or {"match_all": {}}})["hits"]["hits"]]

    def __exit__(self, kind, *_):
        if kind is None:
            for s in self.every():
                if s.process.poll() is None:
                    assert s.stop() == 0, s.errors()
        self.kill()

    def kill(self):
        for s in self.every():
            if s.process is not None and s.process.poll() is None:
                s.kill()
        self.kafka.stop()
        self.search.stop()
        self.postgres.close()
        for link in self.links:
            link.cut()
