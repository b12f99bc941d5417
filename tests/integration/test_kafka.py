"""The Kafka bus against a real broker: the contract suite, other people's tools on its topics, and
who is let in."""

import collections
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from servers.kafka import Authority, Kafka

CONTRACTS = Path(os.environ["CONTRACTS"])


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Kafka(tmp_path_factory.mktemp("kafka") / "k") as k:
        yield k


def run(k, program, *args, timeout=240, fails=False, **more):
    """What the program printed; its errors where it must fail."""
    env = {**os.environ, "LG_CONTRACT": "kafka", "LG_KAFKA_BROKERS": k.addresses, **more}
    done = subprocess.run([CONTRACTS / program, *map(str, args)], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False)
    out, err = (s.decode("utf-8", "replace") for s in (done.stdout, done.stderr))
    assert "Sanitizer" not in err and "runtime error:" not in err, err
    said = f"{program} {args}: {done.returncode}\n{out}\n{err}\n{k.brokers[0].errors()}"
    assert done.returncode == (1 if fails else 0), said
    return err if fails else out


def kcat(k, *args, stdin=None):
    done = subprocess.run(["kcat", "-b", k.addresses, *args], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


Record = collections.namedtuple("Record", "partition offset key n value key_n headers time")


def dump(k, topic, **more):
    """(records, gaps) of a topic, as our own reader sees them."""
    records, gaps = [], 0
    for line in run(k, "kafka_tool", "dump", topic, **more).splitlines():
        f = line.split("\t")
        if f[0] == "gap":
            gaps += int(f[2])
        else:
            records.append(Record(int(f[0]), int(f[1]), f[2], int(f[3]), f[4], int(f[5]),
                                  int(f[6]), int(f[7])))
    return records, gaps


def test_contract(broker):
    out = run(broker, "bus_contract")
    topics = json.loads(kcat(broker, "-L", "-J"))["topics"]
    assert sum(t["topic"].startswith("raw-") for t in topics) >= 10, f"not on this broker: {out}"


def test_same_partitions_as_others(broker):
    """A key lies where kcat's murmur2_random and the Java producer put it, and where we put it."""
    run(broker, "kafka_tool", "init", "topic=keys:7")
    run(broker, "kafka_tool", "publish", "keys", 40, 0)
    keys = [f"t:host{i}" for i in range(40)]
    lines = "".join(f"{k}|kcat\n" for k in keys).encode()
    kcat(broker, "-P", "-t", "keys", "-K", "|", "-X", "topic.partitioner=murmur2_random",
         stdin=lines)
    broker.tool("ConsoleProducer", "--bootstrap-server", broker.addresses, "--topic", "keys",
                "--property", "parse.key=true", "--property", "key.separator=|",
                stdin=lines.replace(b"kcat", b"java"), package="kafka.tools")
    where = collections.defaultdict(set)
    records, gaps = dump(broker, "keys")
    assert gaps == 0
    assert collections.Counter(r.value for r in records) == {"0": 40, "kcat": 40, "java": 40}
    for r in records:
        where[r.key].add(r.partition)
    assert all(len(where[k]) == 1 for k in keys), where
    assert len({p for ps in where.values() for p in ps}) == 7
    seen = broker.tool("ConsoleConsumer", "--bootstrap-server", broker.addresses, "--topic", "keys",
                       "--from-beginning", "--max-messages", "120", "--property", "print.key=true",
                       package="org.apache.kafka.tools.consumer")
    assert seen.count(b"t:host0\t") == 3
    assert kcat(broker, "-C", "-t", "keys", "-e", "-q").count(b"java") == 40


def test_records_of_others(broker):
    """No headers, too many, a key and a value beyond our limits, null values: nothing stalls."""
    run(broker, "kafka_tool", "init", "topic=odd:1")
    broker.tool("ConfigCommand", "--bootstrap-server", broker.addresses, "--alter",
                "--entity-type", "topics", "--entity-name", "odd", "--add-config",
                "max.message.bytes=20000000", package="kafka.admin")
    folder = broker.folder
    kcat(broker, "-P", "-t", "odd", "-p", "0", stdin=b"plain\n")
    headers = [a for i in range(40) for a in ("-H", f"h{i}=v")]
    kcat(broker, "-P", "-t", "odd", "-p", "0", "-H", "lg-bus-time=99", *headers, stdin=b"headers\n")
    kcat(broker, "-P", "-t", "odd", "-p", "0", "-k", "x" * 5000, stdin=b"key\n")
    kcat(broker, "-P", "-t", "odd", "-p", "0", "-Z", "-K", "|", stdin=b"null|\n")
    (folder / "big").write_bytes(os.urandom(9 << 20))
    kcat(broker, "-P", "-t", "odd", "-p", "0", "-X", "message.max.bytes=20000000",
         str(folder / "big"))
    kcat(broker, "-P", "-t", "odd", "-p", "0", stdin=b"last\n")
    records, gaps = dump(broker, "odd")
    assert [r.value for r in records] == ["plain", "headers", "key", "", "last"]
    assert [r.key_n for r in records] == [0, 0, 0, 4, 0]
    assert [r.headers for r in records] == [0, 32, 0, 0, 0]
    assert abs(records[1].time / 1e9 - time.time()) < 600, "a forged time counts"
    assert gaps == 1
    assert "records=5 gaps=1 " in run(broker, "kafka_tool", "consume", "odd-readers", "odd")


def test_arrival_time(broker):
    """In a raw topic the broker's clock counts, not what a foreign producer says."""
    run(broker, "kafka_tool", "init", "topic=raw-arrival:1:arrival")
    broker.tool("VerifiableProducer", "--bootstrap-server", broker.addresses, "--topic",
                "raw-arrival", "--max-messages", "1", "--message-create-time", "4000000000000")
    future = 4000000000000 * 10**6
    kcat(broker, "-P", "-t", "raw-arrival", "-H", f"lg-bus-time={future}", stdin=b"forged\n")
    records, _ = dump(broker, "raw-arrival")
    assert len(records) == 2
    assert all(abs(r.time / 1e9 - time.time()) < 600 for r in records), records


def test_retention(broker):
    """What retention took before it was read is a gap, and reading goes on."""
    run(broker, "kafka_tool", "init", "topic=short:1")
    run(broker, "kafka_tool", "publish", "short", 10, 0)
    (broker.folder / "delete.json").write_text(json.dumps(
        {"version": 1, "partitions": [{"topic": "short", "partition": 0, "offset": 4}]}))
    assert run(broker, "kafka_tool", "place", "late", "short", 2) == "placed\n"
    broker.tool("DeleteRecordsCommand", "--bootstrap-server", broker.addresses,
                "--offset-json-file", broker.folder / "delete.json")
    assert "records=6 gaps=2 " in run(broker, "kafka_tool", "consume", "late", "short")
    records, gaps = dump(broker, "short")
    assert (len(records), gaps) == (6, 4)


# --- who is let in

PARTS = {"shipper": "ship", "normalizer": "norm", "inference": "inf", "indexer": "idx"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority(folder / "ca")
    users = {"admin": "admin-pw", **{u: f"{p}-secret" for u, p in PARTS.items()}}
    with Kafka(folder / "k", protocol="SASL_SSL", scram=users, plain=users, authority=authority,
               client_certs="required", acl=True) as k:
        cert, key = authority.sign("client")
        k.login = lambda user, **more: {
            "LG_KAFKA_PROTOCOL": "sasl_ssl", "LG_KAFKA_MECHANISM": "SCRAM-SHA-512",
            "LG_KAFKA_USER": user, "LG_KAFKA_PASSWORD": users[user],
            "LG_KAFKA_CA": str(authority.cert), "LG_KAFKA_CERT": str(cert),
            "LG_KAFKA_KEY": str(key), **more}
        yield k


INIT = ["topic=raw:2:arrival", "topic=normalized:2", "topic=results:2", "topic=state:2:compacted",
        "grant=User:shipper:w:raw", "grant=User:normalizer:r:raw", "grant=User:normalizer:w:normalized",
        "grant=User:inference:r:normalized", "grant=User:inference:w:results",
        "grant=User:inference:rw:state", "grant=User:shipper:s:normalized",
        "grant=User:inference:s:raw", "grant=User:indexer:s:normalized", "group=User:normalizer:normalizers"]


def test_login(guarded):
    for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"):
        run(guarded, "kafka_tool", "connect",
            **guarded.login("admin", LG_KAFKA_MECHANISM=mechanism))


@pytest.mark.parametrize("wrong, says", [
    ({"LG_KAFKA_PASSWORD": "not-this-one"}, "Authentication failed"),
    ({"LG_KAFKA_MECHANISM": "PLAIN", "LG_KAFKA_PASSWORD": "not-this-one"}, "Authentication failed"),
    ({"LG_KAFKA_CERT": None, "LG_KAFKA_KEY": None}, "certificate"),
    ({"LG_KAFKA_CA": None}, "certificate"),
])
def test_not_let_in(guarded, wrong, says):
    """A clear error, in time, that does not hold the password."""
    login = {k: v for k, v in guarded.login("admin", **wrong).items() if v is not None}
    start = time.monotonic()
    err = run(guarded, "kafka_tool", "connect", fails=True, **login)
    assert time.monotonic() - start < 20
    assert "refused" in err and says in err, err
    assert "not-this-one" not in err and "admin-pw" not in err


def test_init_and_acls(guarded):
    admin = guarded.login("admin")
    dry = run(guarded, "kafka_tool", "init", "dry", *INIT, **admin)
    assert "created: topic raw" in dry and "created: User:shipper may write topic raw" in dry
    first = run(guarded, "kafka_tool", "init", *INIT, **admin)
    assert first == dry and "as_wanted" not in first and first.endswith("differs=0\n")
    second = run(guarded, "kafka_tool", "init", *INIT, **admin)
    assert "created" not in second and "changed" not in second and second.endswith("differs=0\n")
    assert len(second.splitlines()) == len(first.splitlines())
    changed = run(guarded, "kafka_tool", "init", "topic=raw:3", **admin)
    assert "differs: topic raw: 2 partitions, not 3" in changed
    assert "changed: topic raw: message.timestamp.type was 'LogAppendTime'" in changed
    run(guarded, "kafka_tool", "init", *INIT, **admin)

    run(guarded, "kafka_tool", "publish", "raw", 5, 0, **guarded.login("shipper"))
    run(guarded, "kafka_tool", "publish", "normalized", 5, 0, **guarded.login("normalizer"))
    assert "not_found" in run(guarded, "kafka_tool", "publish", "results", 5, 0, fails=True,
                              **guarded.login("shipper")), "what one may not see is not there"
    for user, topic in (("shipper", "normalized"), ("inference", "raw"), ("normalizer", "raw"),
                        ("indexer", "normalized")):
        err = run(guarded, "kafka_tool", "publish", topic, 5, 0, fails=True, **guarded.login(user))
        assert "authorization failed" in err.lower(), (user, topic, err)
    out = run(guarded, "kafka_tool", "consume", "normalizers", "raw", **guarded.login("normalizer"))
    assert "records=5 " in out
    err = run(guarded, "kafka_tool", "consume", "normalizers", "normalized", fails=True,
              **guarded.login("shipper"))
    assert "authorization failed" in err.lower(), err


def test_others_who_may_write(guarded):
    """An ACL that the table does not know is told, and stays."""
    admin = guarded.login("admin")
    run(guarded, "kafka_tool", "init", "grant=User:stranger:w:normalized", **admin)
    out = run(guarded, "kafka_tool", "init", *INIT, **admin)
    assert "differs: User:stranger may write topic normalized" in out
    assert out.endswith("differs=1\n")
