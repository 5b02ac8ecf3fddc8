"""A child for tests of the crew: real, in the sandbox, speaking the protocol, with a craft that takes no time.

A "film" is JSON, padded with spaces: `{"chunks": 3, "seconds": 0.2}`, or `{"rejected": reason}`. Its poster needs all
bytes, each chunk needs its own 1000; what is made of a name is the digest of exactly those bytes.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

BLOCK = 1000


def film(chunks: int = 2, **more: Any) -> bytes:
    return json.dumps({"chunks": chunks, **more}).encode().ljust(BLOCK * max(1, chunks))


def program() -> tuple[str, str]:
    """What Python runs inside the sandbox: this file's own text."""
    return ("-c", Path(__file__).read_text())


def digest(body: bytes, name: str) -> str:
    """What is made of a name."""
    start = int(name.removeprefix("chunk/")) * BLOCK if name.startswith("chunk/") else 0
    end = start + BLOCK if name.startswith("chunk/") else len(body)
    return hashlib.sha256(name.encode() + body[start:end]).hexdigest()


def say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def do(job: dict[str, Any]) -> dict[str, Any]:
    body = Path(job["input"]).read_bytes()
    if job["verb"] == "measure":
        facts = json.loads(body.rstrip(b"\0"))  # zeros: what has not arrived
        if "rejected" in facts:
            return {"rejected": {"reason": facts["rejected"], "message": "as the film says"}}
        outputs = [{"name": "poster", "queue": "express", "weight": 1, "ranges": None}]
        for number in range(facts["chunks"]):
            needs = [[number * BLOCK, (number + 1) * BLOCK]]
            queue = "film" if number else "express"
            outputs.append({"name": f"chunk/{number:04}", "queue": queue, "weight": 4, "ranges": needs})
        outputs.append({"name": "preview", "queue": "later", "weight": 1, "ranges": None})
        plan = {"outputs": outputs}
        return {"result": {"kind": "film", "recipe": "tiny-1", "source": facts, "plan": plan}}
    if reason := job["source"].get("fails"):
        return {"failed": {"reason": reason, "message": "as the film says"}}
    until = time.monotonic() + job["source"].get("seconds", 0)
    while time.monotonic() < until:
        say({"progress": 0.5})
        time.sleep(0.02)
    made = digest(body, job["name"]).encode()
    Path(job["out"], "made.vtt").write_bytes(made)
    Path(job["out"], "twin.vtt").write_bytes(made)
    files = [{"path": f"{name}.vtt", "bytes": len(made), "content_type": "text/vtt"} for name in ("made", "twin")]
    return {"result": {"files": files, "facts": {"name": job["name"]}}}


if __name__ == "__main__":
    for line in sys.stdin:
        say({"progress": 0.0})
        answer = do(json.loads(line))
        say(answer)
        if "result" not in answer:
            sys.exit(2 if "rejected" in answer else 1)
