"""A real Kafka: one or three brokers in KRaft mode on loopback, in a folder of their own."""

import atexit
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers.link import Link
from servers.ports import free_ports

ROOT = Path(__file__).resolve().parents[3]
JARS = ROOT / "build/servers/kafka"
START_SECONDS = 120
CLUSTER_ID = "bG9nc3Rlci10ZXN0cy0wMQ"
SMALL_JVM = ["-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"]

LOG4J = """log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n
log4j.logger.kafka.server.KafkaRaftServer=INFO
log4j.logger.kafka.authorizer.logger=INFO
"""


def fetch():
    """The jars, resolved once."""
    subprocess.run([ROOT / "scripts/servers.sh", "kafka"], check=True, timeout=600,
                   stdout=subprocess.DEVNULL)
    return f"{JARS}/*"


def openssl(*args, cwd):
    subprocess.run(["openssl", *map(str, args)], cwd=cwd, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class Authority:
    """A certificate authority for one test, and what it signs."""

    def __init__(self, folder, name="authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert = self.folder / f"{name}.pem"
        self.key = self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", self.key, "-out", self.cert, cwd=self.folder)

    def sign(self, name):
        """(certificate, key) for CN=name, good for 127.0.0.1 and localhost."""
        cert, key, req, ext = (self.folder / f"{name}.{e}" for e in ("crt", "pem.key", "csr", "ext"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
                "-out", req, cwd=self.folder)
        ext.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", req, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", ext, "-out", cert, cwd=self.folder)
        return cert, key


class Broker:
    """One node, broker and controller at once."""

    def __init__(self, cluster, node):
        self.cluster, self.node = cluster, node
        self.folder = cluster.folder / f"node{node}"
        self.folder.mkdir()
        self.port, self.internal, self.controller = free_ports(3)
        self.links = [Link(self.port), Link(self.internal)] if cluster.links else []
        self.log = cluster.folder / f"node{node}.log"
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.links[0].port if self.links else self.port}"

    def settings(self):
        c, n = self.cluster, len(self.cluster.brokers)
        return {
            "process.roles": "broker,controller",
            "node.id": self.node,
            "controller.quorum.voters": ",".join(
                f"{b.node}@127.0.0.1:{b.controller}" for b in c.brokers),
            "listeners": f"CLIENT://127.0.0.1:{self.port},INTERNAL://127.0.0.1:{self.internal},"
                         f"CONTROLLER://127.0.0.1:{self.controller}",
            "advertised.listeners": f"CLIENT://{self.address},INTERNAL://127.0.0.1:"
                                    f"{self.links[1].port if self.links else self.internal}",
            "listener.security.protocol.map":
                f"CLIENT:{c.protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": min(n, 3),
            "default.replication.factor": min(n, 3),
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 300,
            "controlled.shutdown.enable": "true" if n > 1 else "false",
            "num.network.threads": 2,
            "num.io.threads": 3,
            "num.replica.fetchers": 1,
            "background.threads": 2,
            "log.cleaner.threads": 1,
            "log.cleaner.dedupe.buffer.size": 8 << 20,
            "log.retention.check.interval.ms": 1000,
            "log.initial.task.delay.ms": 500,
            **c.security(), **c.extra,
        }

    def java(self, heap):
        return ["java", f"-Xmx{heap}", *SMALL_JVM,
                f"-Dlog4j.configuration=file:{self.cluster.folder}/log4j.properties",
                "-cp", self.cluster.jars]

    def format(self):
        (self.folder / "server.properties").write_text(
            "".join(f"{k}={v}\n" for k, v in self.settings().items()))
        args = ["format", "-t", CLUSTER_ID, "-c", self.folder / "server.properties"]
        for user, password in self.cluster.scram.items():
            for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                args += ["--add-scram", f"{kind}=[name={user},password={password}]"]
        done = subprocess.run([*self.java("128m"), "kafka.tools.StorageTool", *map(str, args)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout.decode()

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.java(self.cluster.heap), "kafka.Kafka", self.folder / "server.properties"],
                stdout=log, stderr=log)
        atexit.register(self.process.kill)  # a test that fails leaves nothing running

    def wait_started(self):
        end = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, f"broker ended: {self.errors()}"
            assert time.monotonic() < end, f"not up in {START_SECONDS} s: {self.errors()}"
            if b"Kafka Server started" in self.said():
                return self
            time.sleep(0.05)

    def said(self):
        """What this run of the broker said: from its start on."""
        text = self.log.read_bytes()
        return text[self.mark:]

    def start(self):
        self.mark = self.log.stat().st_size if self.log.exists() else 0
        self.launch()
        return self

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=60):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def errors(self):
        return self.log.read_text(errors="replace")[-8000:]


class Kafka:
    """
    protocol: of the clients' listener (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL). scram, plain:
    {user: password}. authority: an Authority (SSL); client_certs: "none" or "required". acl:
    nobody may do anything without an ACL, but `admin`. The brokers' own listener is not for clients.
    links: clients reach a broker through its `links[0]`, other brokers through its `links[1]`.
    """

    def __init__(self, folder, brokers=1, protocol="PLAINTEXT", scram=None, plain=None,
                 authority=None, client_certs="none", acl=False, heap="320m", extra=None,
                 links=False):
        self.jars = fetch()
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.protocol, self.scram, self.plain = protocol, scram or {}, plain or {}
        self.authority, self.client_certs, self.acl = authority, client_certs, acl
        self.heap, self.extra, self.links = heap, extra or {}, links
        self.brokers = []
        for node in range(1, brokers + 1):
            self.brokers.append(Broker(self, node))
        (self.folder / "log4j.properties").write_text(LOG4J)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Broker.format, self.brokers))

    def security(self):
        s = {}
        if "SASL" in self.protocol:
            jaas = "listener.name.client.{}.sasl.jaas.config"
            names = []
            if self.plain:
                names.append("PLAIN")
                users = " ".join(f'user_{u}="{p}"' for u, p in self.plain.items())
                s[jaas.format("plain")] = \
                    f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
            if self.scram:
                for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                    names.append(kind)
                    s[jaas.format(kind.lower())] = \
                        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            s["listener.name.client.sasl.enabled.mechanisms"] = ",".join(names)
        if self.authority:
            cert, key = self.authority.sign("broker")
            store = self.folder / "broker.store.pem"
            store.write_text(key.read_text() + cert.read_text())
            s.update({"listener.name.client.ssl.keystore.type": "PEM",
                      "listener.name.client.ssl.keystore.location": store,
                      "listener.name.client.ssl.truststore.type": "PEM",
                      "listener.name.client.ssl.truststore.location": self.authority.cert,
                      "listener.name.client.ssl.client.auth": self.client_certs})
        if self.acl:
            s["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
            s["super.users"] = "User:ANONYMOUS;User:admin"
        return s

    @property
    def addresses(self):
        return ",".join(b.address for b in self.brokers)

    def start(self):
        for b in self.brokers:
            for link in b.links:
                link.mend()
            b.start()
        for b in self.brokers:
            b.wait_started()
        return self

    def stop(self):
        """At once: nobody wants the data, and the last of three would wait for the others."""
        for b in self.brokers:
            if b.process is not None:
                b.kill()
            for link in b.links:
                link.cut()

    def tool(self, name, *args, stdin=None, timeout=60, package="org.apache.kafka.tools"):
        """One of Kafka's own console tools; returns what it printed."""
        done = subprocess.run(
            ["java", "-Xmx128m", *SMALL_JVM, "-cp", self.jars, f"{package}.{name}",
             *map(str, args)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=timeout, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
