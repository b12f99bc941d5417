"""Any request that the OpenAPI document allows, and many that it does not, against the program: no
server error, no status and no body that the document does not name."""

import copy
import http.client
import json
import os
import re
import string
import uuid
from datetime import datetime
from urllib.parse import quote, urlsplit

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from conftest import ATTACK, ROOT, run_logster
from platform_util import Platform

FAST = {"inference.idle_timeout": "1s", "inference.checkpoint_interval": "1s",
        "api.rate": 1000000, "api.burst": 1000000}
EXAMPLES = int(os.environ.get("LOGSTER_API_EXAMPLES", "25"))  # of each operation


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A platform with an attack in it, a tenant more, and tokens with few rights."""
    with Platform(tmp_path_factory.mktemp("api") / "data", **FAST) as up:
        done = run_logster("replay", "--url", up.url, "--token-file", up.folder / "admin-token",
                           ATTACK)
        assert done.rc == 0, done.err
        up.wait(lambda: up.get("/alerts").json()["total"], lambda n: n > 0, 120)
        up.tokens = {"root": up.token, "none": None}
        for name, grants in {"viewer": {"tenants": {"default": ["viewer"]}},
                             "operator": {"platform": ["operator"]}}.items():
            made = up.request("POST", "/tokens", {"name": name, **grants})
            assert made.status == 201, made.body
            up.tokens[name] = made.json()["token"]
        up.document = up.get("/openapi.json", token=None).json()
        up.known = up.document["known"] = known(up)
        yield up


def known(up):
    """Ids that are there, by the name of the parameter that takes them."""
    made = up.request("POST", "/suppressions", {"process": "no-such.exe", "reason": "a test"})
    search = up.request("POST", "/searches", {"name": "a test", "query": {}})
    token = up.request("POST", "/tokens", {"name": "t", "tenants": {"default": ["viewer"]}})
    assert (made.status, search.status, token.status) == (201, 201, 201)
    return {
        "alert_id": [a["alert_id"] for a in up.get("/alerts").json()["alerts"]],
        "inference_id": [i["inference_id"] for i in up.get("/inferences").json()["inferences"]],
        "event_id": [e["event_id"] for e in up.get("/events").json()["events"]],
        "endpoint_id": [e["endpoint_id"] for e in up.get("/endpoints").json()["endpoints"]],
        "suppression_id": [made.json()["suppression_id"]],
        "search_id": [search.json()["search_id"]],
        "token_id": [token.json()["details"]["token_id"]],
        "dead_letter_id": ["0-0", "1-0", "99-1", "0-99999999999999999999", "-1-5"],
        "source": ["sysmon", "auditd", "no-such-source"],
        "tenant_id": ["default", "default", "nosuch"],
    }


# ---- values that a schema allows -------------------------------------------------------------

TEXT = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=40)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8)


def resolve(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def values(document, schema):
    schema = resolve(document, schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema or "anyOf" in schema:
        return st.one_of([values(document, s) for s in schema.get("oneOf") or schema["anyOf"]])
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        return st.one_of([values(document, {**schema, "type": k}) for k in kind])
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(schema.get("minimum", -2**63), schema.get("maximum", 2**63 - 1))
    if kind == "number":
        return st.floats(schema.get("minimum", -1e12), schema.get("maximum", 1e12))
    if kind == "string":
        return strings(schema)
    if kind == "array":
        return st.lists(values(document, schema.get("items", {"type": "string"})),
                        min_size=schema.get("minItems", 0),
                        max_size=min(schema.get("maxItems", 5), 5))
    return objects(document, schema)


def strings(schema):
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if schema.get("format") == "date-time":
        return st.datetimes(min_value=datetime(1971, 1, 1)).map(lambda t: t.isoformat() + "Z")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(
            lambda s: len(s) <= schema.get("maxLength", 1000))
    return st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")),
                   min_size=schema.get("minLength", 0),
                   max_size=min(schema.get("maxLength", 60), 60))


def objects(document, schema):
    required = set(schema.get("required", []))
    ids = document.get("known", {})
    members = {name: st.sampled_from(ids[name]) | values(document, sub) if ids.get(name)
               else values(document, sub) for name, sub in schema.get("properties", {}).items()}
    more = schema.get("additionalProperties", True)
    fixed = st.fixed_dictionaries(
        {k: v for k, v in members.items() if k in required},
        optional={k: v for k, v in members.items() if k not in required})
    if isinstance(more, dict):
        return st.dictionaries(st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=8),
                               values(document, more), max_size=2)
    if more and not members:
        return st.dictionaries(TEXT, JUNK, max_size=3)
    return fixed


# ---- requests --------------------------------------------------------------------------------


def operations(document):
    return {(method.upper(), path): op for path, item in document["paths"].items()
            for method, op in item.items() if method in ("get", "post", "put", "patch", "delete")}


def parameter(up, p):
    good = values(up.document, p.get("schema", {"type": "string"}))
    if re.search("(^|_)(from|to|time)$", p["name"]):
        good = st.sampled_from(["now", "now-1h", "now-30d", "1600000000", "1.5",
                                "2024-02-29T12:00:00Z"])
    ids = up.known.get(p["name"], [])
    choices = [good] * 7 + [TEXT]
    if ids and p["in"] == "path":
        choices += [st.sampled_from(ids)] * 9
    return st.one_of(choices)


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


@st.composite
def requests(draw, up, method, path, op):
    query, headers = [], {}
    for p in op.get("parameters", []):
        if p["in"] == "path":
            text = as_text(draw(parameter(up, p))) or "x"
            if path.startswith("/tenants/") and text == "default":  # it is needed to the end
                text = "nosuch"
            path = path.replace("{%s}" % p["name"], quote(text, safe=""))
        elif p["in"] == "query" and draw(st.integers(0, 19 if p["name"] == "cursor" else 4)) == 0:
            value = draw(parameter(up, p))
            several = value if isinstance(value, list) else [value]
            if draw(st.integers(0, 9)) == 0:
                several = several * 2
            query += [(p["name"], as_text(v)) for v in several]
        elif p["in"] == "header" and draw(st.booleans()):
            headers[p["name"]] = draw(st.sampled_from(['"1"', "*", '"x"', "W/\"1\"", "nonsense"]))
    if draw(st.integers(0, 9)) == 0:
        query.append((draw(TEXT), draw(TEXT)))
    if query:
        path += "?" + "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query)
    body = None
    content = op.get("requestBody", {}).get("content", {})
    if content:
        kind = draw(st.sampled_from(sorted(content)))
        headers["Content-Type"] = kind if kind != "*/*" else "application/json"
        schema = content[kind].get("schema", {"type": "object"})
        what = draw(st.integers(0, 5))
        if what < 4:
            value = draw(values(up.document, schema))
            if isinstance(value, dict) and draw(st.integers(0, 4)) == 0:
                value[draw(TEXT)] = draw(JUNK)
            body = json.dumps(value).encode()
        elif what == 4:
            body = json.dumps(draw(JUNK)).encode()
        else:
            body = draw(st.binary(max_size=200))
        if draw(st.integers(0, 19)) == 0:
            headers["Content-Type"] = draw(st.sampled_from(["text/plain", "application/xml"]))
    if draw(st.integers(0, 19)) == 0:
        headers["Accept"] = draw(st.sampled_from(["text/html", "*/*", "application/json;q=0"]))
    token = draw(st.sampled_from(["root"] * 9 + ["viewer", "operator", "none"]))
    return method, path, body, headers, token


def send(up, method, path, body, headers, token):
    where = urlsplit(up.url)
    line = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    try:
        if up.tokens[token] is not None:
            headers = {**headers, "Authorization": "Bearer " + up.tokens[token]}
        line.request(method, path, body=body, headers=headers)
        answer = line.getresponse()
        kind = (answer.getheader("Content-Type") or "").split(";")[0]
        return answer.status, kind, b"" if kind == "text/event-stream" else answer.read()
    finally:
        line.close()


def check(up, op, call, status, kind, body):
    said = f"{call[0]} {call[1]} as {call[4]} with {call[2]!r} {call[3]} -> {status} {body[:600]!r}"
    assert status < 500, said
    responses = op["responses"]
    assert str(status) in responses, f"undocumented status: {said}"
    content = responses[str(status)].get("content", {})
    if not body:
        return
    assert kind in {k.split(";")[0] for k in content}, f"undocumented type {kind}: {said}"
    if not kind.endswith("json"):
        return
    schema = next((v.get("schema") for k, v in content.items() if k.split(";")[0] == kind), None)
    if schema:
        for text in body.splitlines() if kind == "application/x-ndjson" else [body]:
            validator(up, schema).validate(json.loads(text))


def validator(up, schema):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             "components": up.document["components"], **schema}
    return jsonschema.Draft202012Validator(whole)


# ---- tests -----------------------------------------------------------------------------------


def test_document_is_sound(up):
    assert up.document["openapi"].startswith("3.1")
    for name, schema in up.document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        text = json.dumps(schema)
        for ref in text.split('"$ref": "#/components/schemas/')[1:]:
            assert ref.split('"')[0] in up.document["components"]["schemas"], name
    seen = [op["operationId"] for op in operations(up.document).values()]
    assert len(seen) == len(set(seen)) > 50


def try_operation(up, method, path, op):
    """Statuses that generated requests got."""
    got = set()

    @settings(max_examples=EXAMPLES, deadline=None, database=None,
              derandomize="LOGSTER_API_EXAMPLES" not in os.environ,
              suppress_health_check=list(HealthCheck))
    @given(requests(up, method, path, op))
    def run(call):
        status, kind, body = send(up, *call)
        got.add(status)
        check(up, op, call, status, kind, body)

    run()
    return got


def test_every_operation(up):
    """Each row of the table gets its own run of generated requests."""
    answered = {op["operationId"]: try_operation(up, method, path, op)
                for (method, path), op in operations(up.document).items()}
    # generated requests must get through somewhere, or they prove nothing
    through = {name for name, got in answered.items() if any(200 <= s < 300 for s in got)}
    assert len(through) > 0.75 * len(answered), sorted(set(answered) - through)


def test_unknown_ids_and_garbage_paths(up):
    for path in ("/alerts/" + str(uuid.uuid4()), "/alerts/x", "/alerts/%00", "/events/..%2f..",
                 "/no/such/route", "/alerts/" + "a" * 3000, "/%ff%fe"):
        status, kind, body = send(up, "GET", path, None, {}, "root")
        assert status in (400, 404, 414), (path, status, body)
        assert kind == "application/problem+json", (path, kind)
    status, _, _ = send(up, "DELETE", "/alerts", None, {}, "root")
    assert status == 405


def test_the_platform_is_still_well(up):
    assert up.get("/readyz", token=None).status == 200
    assert up.get("/audit/verify").json()["ok"] is True
    assert up.get("/alerts").status == 200


def page_of(up):
    """The same platform by the dashboard's port: its document, its address."""
    page = copy.copy(up)
    page.url = up.dashboard
    status, _, body = send(page, "GET", "/openapi.json", None, {}, "none")
    assert status == 200
    page.document = json.loads(body)
    page.document["known"] = up.known
    return page


def test_dashboard_has_the_api_below_its_own_path(up):
    page = page_of(up)
    below = {(m, p.removeprefix("/api")) for m, p in operations(page.document)
             if p.startswith("/api/")}
    here = {(m, p) for (m, p), op in operations(up.document).items()
            if op["tags"] not in (["intake"], ["documentation"]) and not p.startswith("/api/")}
    assert here - below == {("GET", "/metrics")} and below <= here
    for (method, path), op in operations(page.document).items():
        if op["tags"] == ["session"]:
            assert try_operation(page, method, path, op)


def test_page_names_every_route(up):
    """docs/api.md is written by hand: its tables must be the routing table's."""
    page = (ROOT / "docs/api.md").read_text()
    named = set(re.findall(r"^\| (GET|POST|PUT|PATCH|DELETE) \| `([^`]+)` \|", page, re.M))
    here = {key for key, op in operations(up.document).items() if op["tags"] != ["intake"]}
    here |= {key for key, op in operations(page_of(up).document).items()
             if op["tags"] == ["session"]}
    assert named == here
