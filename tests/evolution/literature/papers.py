"""What a server that speaks as arXiv and Semantic Scholar do is told to answer, and the documents it answers with."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Reply:
    """pieces: written one by one, a pause after each but the last. hang_up: less is sent than was announced."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[bytes, ...] = ()
    pause_s: float = 0.0
    hang_up: bool = False


@dataclass(kw_only=True)
class Asked:
    path: str
    parameters: dict[str, Any]  # of the address, or the body where there is one
    headers: dict[str, str]


@dataclass(kw_only=True)
class PaperServer:
    """replies: given in order, the last one for ever."""

    base_url: str
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def send(handler: BaseHTTPRequestHandler, reply: Reply, stop: threading.Event) -> None:
    pieces = reply.pieces or (reply.body,)
    handler.send_response(reply.status)
    for name, value in reply.headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(sum(map(len, pieces)) + (100 if reply.hang_up else 0)))
    handler.end_headers()
    for number, piece in enumerate(pieces):
        if number:
            stop.wait(reply.pause_s)
        try:
            handler.wfile.write(piece)
            handler.wfile.flush()
        except OSError:
            return  # the asker has given up


@dataclass
class Waits:
    """Stands in for sleeping: how long the fetcher would have waited."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def as_json(document: object) -> Reply:
    return Reply(body=json.dumps(document).encode(), headers=(("Content-Type", "application/json"),))


ENTRY = """
  <entry>
    <id>http://arxiv.org/abs/{id}</id>
    <updated>2023-08-21T09:00:00Z</updated>
    <published>{published}</published>
    <title>{title}</title>
    <summary>  {summary}
</summary>
    <author><name>A. Author</name></author>
    <arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">12 pages</arxiv:comment>
    <link href="http://arxiv.org/abs/{id}" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/{id}" rel="related" type="application/pdf"/>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.IR" scheme="http://arxiv.org/schemas/atom"/>
    <category term="cs.IR" scheme="http://arxiv.org/schemas/atom"/>
  </entry>"""

GSASREC = ENTRY.format(
    id="2308.07192v1",
    published="2023-08-14T14:56:40Z",
    title="gSASRec: Reducing Overconfidence in Sequential\n  Recommendation Trained with Negative Sampling",
    summary="A made-up summary of\nthe paper for this test.",
)
OTHER = ENTRY.format(
    id="2601.00001v2",
    published="2026-01-01T00:00:00Z",
    title="A New Loss",
    summary="Weighs &lt;rare&gt; items.",
)


def feed(*entries: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        '  <link href="http://arxiv.org/api/query?search_query=x" rel="self" type="application/atom+xml"/>\n'
        '  <title type="html">ArXiv Query: search_query=x&amp;id_list=&amp;start=0&amp;max_results=10</title>\n'
        "  <id>http://arxiv.org/api/abc</id>\n"
        '  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">2</opensearch:totalResults>'
        f"{''.join(entries)}\n</feed>\n"
    ).encode()


def found(*papers: dict[str, object]) -> dict[str, object]:
    """An answer of Semantic Scholar's paper search."""
    return {"total": len(papers), "offset": 0, "data": list(papers)}


GSASREC_PAPER: dict[str, object] = {
    "paperId": "0123456789abcdef0123456789abcdef01234567",
    "externalIds": {"DBLP": "conf/recsys/PetrovM23", "ArXiv": "2308.07192", "DOI": "10.1145/3604915.3608783"},
    "url": "https://www.semanticscholar.org/paper/0123456789abcdef0123456789abcdef01234567",
    "title": "gSASRec: Reducing Overconfidence in Sequential Recommendation Trained with Negative Sampling",
    "abstract": None,
    "year": 2023,
}
MNS_PAPER: dict[str, object] = {
    "paperId": "89abcdef0123456789abcdef0123456701234567",
    "externalIds": {"DOI": "10.1145/3366424.3386195", "CorpusId": 216305234},
    "url": "https://www.semanticscholar.org/paper/89abcdef0123456789abcdef0123456701234567",
    "title": "Mixed Negative Sampling for Learning Two-tower Neural Networks in Recommendations",
    "abstract": "A made-up abstract.",
    "year": 2020,
}

WEB_TEXT = "Found these.\ngSASRec scales the positive's probability (arxiv.org). LogQ corrects sampling (example.org)."
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "output": [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {
            "type": "message",
            "content": [
                {
                    "type": "output_text",
                    "text": WEB_TEXT,
                    "annotations": [
                        {"type": "url_citation", "start_index": 60, "end_index": 73, "title": "gSASRec",
                         "url": "https://arxiv.org/abs/2308.07192?utm_source=openai"},
                        {"type": "url_citation", "start_index": 98, "end_index": 111, "title": "LogQ",
                         "url": "https://example.org/logq"},
                        {"type": "file_citation", "file_id": "f"},
                        {"type": "url_citation", "start_index": 0, "end_index": 5, "title": "bad", "url": "data:x"},
                    ],
                }
            ],
        },
    ],
}  # fmt: skip
