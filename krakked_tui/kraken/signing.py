"""Kraken's request signature (docs: "Spot REST authentication")."""

import base64
import hashlib
import hmac


def signature(secret: bytes, path: str, nonce: str, body: bytes) -> str:
    """Return base64(HMAC-SHA512(secret, path + SHA256(nonce + body))).

    ``path`` starts with ``/0/private/``; ``body`` is the exact bytes that will be sent, form or
    JSON, with ``nonce`` in it; ``secret`` is already base64-decoded.
    """
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.digest(secret, path.encode() + digest, "sha512")).decode()
