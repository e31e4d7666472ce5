"""DynamoDB, KMS, S3 and SES as a process of its own on the loopback: just enough for the send path.

A benchmark measures what the client costs; whatever the other side costs must not be in it. So this
stub keeps items in a dictionary, honours ``attribute_not_exists`` on puts and applies updates, and
ignores every other condition. ``python -m tests.bench.stub`` prints the port it listens on.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Wire = dict[str, Any]
_SET = re.compile(r"(#\d+) = (?:if_not_exists ?\((#\d+), (:\d+)\)|(:\d+))")
_ADD = re.compile(r"(#\d+) (:\d+)")
_PARTS = re.compile(r"\b(SET|ADD|REMOVE|DELETE) (.*?)(?=\b(?:SET|ADD|REMOVE|DELETE) |$)")


class Store:
    """Items by table, partition and sort key, in DynamoDB's own form."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, Wire]]] = {}
        self.mails = 0
        self.objects = 0

    def put(self, table: str, item: Wire) -> None:
        """Store an item."""
        self.tables.setdefault(table, {}).setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item

    def get(self, table: str, key: Wire) -> Wire | None:
        """One item."""
        return self.tables.get(table, {}).get(key["pk"]["S"], {}).get(key["sk"]["S"])

    def call(self, operation: str, body: Wire) -> tuple[int, Wire]:
        """Answer one DynamoDB or KMS call."""
        answer: tuple[int, Wire] = getattr(self, f"_{operation}")(body)
        return answer

    def _GetItem(self, body: Wire) -> tuple[int, Wire]:
        found = self.get(body["TableName"], body["Key"])
        return 200, {"Item": found} if found else {}

    def _PutItem(self, body: Wire) -> tuple[int, Wire]:
        item = body["Item"]
        there = self.get(body["TableName"], item)
        if there is not None and "attribute_not_exists" in body.get("ConditionExpression", ""):
            return 400, {"__type": "ConditionalCheckFailedException", "message": "no", "Item": there}
        self.put(body["TableName"], item)
        return 200, {}

    def _UpdateItem(self, body: Wire) -> tuple[int, Wire]:
        item = dict(self.get(body["TableName"], body["Key"]) or body["Key"])
        names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
        for verb, text in _PARTS.findall(body["UpdateExpression"]):
            if verb == "SET":
                for name, _, default, value in _SET.findall(text):
                    if not default or names[name] not in item:
                        item[names[name]] = values[default or value]
            elif verb == "ADD":
                for name, value in _ADD.findall(text):
                    item[names[name]] = _added(item.get(names[name]), values[value])
        self.put(body["TableName"], item)
        return 200, {"Attributes": item} if body.get("ReturnValues") == "ALL_NEW" else {}

    def _Query(self, body: Wire) -> tuple[int, Wire]:
        values = [v["S"] for _, v in sorted(body["ExpressionAttributeValues"].items(), key=lambda p: int(p[0][1:]))]
        partition = self.tables.get(body["TableName"], {}).get(values[0], {})
        condition = body["KeyConditionExpression"]
        found = sorted(partition)
        if "BETWEEN" in condition:
            found = [sk for sk in found if values[1] <= sk <= values[2]]
        elif "begins_with" in condition:
            found = [sk for sk in found if sk.startswith(values[1])]
        items = [partition[sk] for sk in found]
        if "ProjectionExpression" in body:
            names = body.get("ExpressionAttributeNames", {})
            wanted = [names.get(name, name) for name in body["ProjectionExpression"].split(", ")]
            items = [{name: item[name] for name in wanted if name in item} for item in items]
        return 200, {"Items": items, "Count": len(items)}

    def _BatchGetItem(self, body: Wire) -> tuple[int, Wire]:
        ((table, wanted),) = body["RequestItems"].items()
        found = [self.get(table, key) for key in wanted["Keys"]]
        return 200, {"Responses": {table: [item for item in found if item]}, "UnprocessedKeys": {}}

    def _TransactWriteItems(self, body: Wire) -> tuple[int, Wire]:
        for step in body["TransactItems"]:
            if "Put" in step:
                self.put(step["Put"]["TableName"], step["Put"]["Item"])
            elif "Update" in step:
                self._UpdateItem(step["Update"])
        return 200, {}

    def _GenerateDataKey(self, body: Wire) -> tuple[int, Wire]:
        key = base64.b64encode(b"k" * 32).decode()
        return 200, {"CiphertextBlob": key, "Plaintext": key, "KeyId": body["KeyId"]}

    def _Decrypt(self, body: Wire) -> tuple[int, Wire]:
        return 200, {"Plaintext": body["CiphertextBlob"], "KeyId": "key"}

    def ses(self, path: str, body: Wire) -> Wire:
        """Answer one SES call: everything is accepted."""
        if path.endswith("outbound-bulk-emails"):
            count = len(body["BulkEmailEntries"])
            self.mails += count
            return {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": f"{n:060d}"} for n in range(count)]}
        self.mails += 1
        return {"MessageId": "0" * 60}


def _added(before: Wire | None, more: Wire) -> Wire:
    ((kind, value),) = more.items()
    if before is None:
        return more
    if kind == "N":
        return {"N": str(int(before["N"]) + int(value))}
    return {kind: sorted({*before[kind], *value})}


class Handler(BaseHTTPRequestHandler):
    """JSON over HTTP/1.1 with connections that stay open."""

    protocol_version = "HTTP/1.1"
    store = Store()

    def do_POST(self) -> None:
        """DynamoDB and KMS by their target header, SES by its path, ``/_seed`` for items in bulk."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        target = self.headers.get("X-Amz-Target", "")
        if self.path == "/_seed":
            for table, item in body:
                self.store.put(table, item)
            self._send(200, {})
        elif target:
            self._send(*self.store.call(target.rpartition(".")[2], body))
        else:
            self._send(200, self.store.ses(self.path, body))

    def do_PUT(self) -> None:
        """S3: an object of the journal, counted and forgotten."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.store.objects += 1
        self.send_response_only(200)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """How many mails and objects were taken."""
        self._send(200, {"mails": self.store.mails, "objects": self.store.objects})

    def handle_expect_100(self) -> bool:
        """Say "go on" at once: the answer is written through a buffer, and S3's clients wait for it."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _send(self, status: int, answer: Wire) -> None:
        data = json.dumps(answer).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serve until standard input ends, which it does with the process that started this one."""
    import threading

    # A body written in two small packets would otherwise wait for the other side's delayed ACK.
    Handler.wbufsize = -1
    Handler.disable_nagle_algorithm = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
