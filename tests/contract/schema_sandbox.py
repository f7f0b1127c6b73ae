"""Everything the sandbox says, as text: every REST endpoint answered, every channel heard."""

import base64
import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect

from tests.interop.local_kraken import PATIENCE, LocalKraken

UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"
_NONCES = count(1)


def public(kraken: LocalKraken, method: str, **params: object) -> str:
    """Return the text of a public answer."""
    url = f"{kraken.rest}/0/public/{method}?{urlencode(params)}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return str(answer.read(), "utf-8")


def private(kraken: LocalKraken, method: str, **params: object) -> str:
    """Return the text of a signed answer; the parameters go as JSON."""
    path, nonce = f"/0/private/{method}", str(next(_NONCES))
    body = json.dumps({"nonce": nonce, **params}).encode()
    digest = hashlib.sha256(nonce.encode() + body).digest()
    secret = base64.b64decode(kraken.api_secret)
    signature = base64.b64encode(hmac.digest(secret, path.encode() + digest, "sha512")).decode()
    headers = {"API-Key": kraken.api_key, "API-Sign": signature, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{kraken.rest}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(answer.read(), "utf-8")


class Line:
    """One WebSocket connection; every text that came over it, in order."""

    def __init__(self, socket: ClientConnection, token: str | None) -> None:
        self._socket = socket
        self._token = token
        self._numbers = count(1)
        self.texts: list[str] = []

    def ask(self, method: str, **params: object) -> str:
        """Send a request, wait for its reply, and return that."""
        number = next(self._numbers)
        request: dict[str, object] = {"method": method, "req_id": number}
        if params or self._token:
            request["params"] = params | ({"token": self._token} if self._token else {})
        self._socket.send(json.dumps(request))
        return self.hear(f'"req_id":{number},')

    def say(self, text: str) -> None:
        """Send a text as it is."""
        self._socket.send(text)

    def hear(self, part: str, times: int = 1) -> str:
        """Read until so many texts with this part have come in all; return the last of them."""
        while len(found := [text for text in self.texts if part in text]) < times:
            text = self._socket.recv(PATIENCE)
            assert isinstance(text, str)
            self.texts.append(text)
        return found[-1]


@contextmanager
def line(kraken: LocalKraken, *, signed: bool = False) -> Iterator[Line]:
    """Connect to the public or the private address."""
    token = None
    if signed:
        token = json.loads(private(kraken, "GetWebSocketsToken"))["result"]["token"]
    with connect(kraken.ws_private if signed else kraken.ws_public) as socket:
        yield Line(socket, token)
