"""Who may ask what: API keys, origins of web pages, and headers that keep browsers from guessing and storing.

Without configuration everything that reads is open, as on somebody's own machine, everything that writes is closed, and
no web page of another origin can use the service through its visitor's browser.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from serving.answers.refusals import RequestError, shown
from serving.environment import ConfigurationError, read_flag, read_list
from serving.rest.errors import error_response
from serving.rest.observability import RECORD_KEY, service_metrics
from serving.rest.request_record import RequestRecord

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serving.rest.rate_limits import RateLimiter

KEY_VARIABLE, READS_VARIABLE, ORIGINS_VARIABLE = "ELYTE_API_KEY", "ELYTE_PROTECT_READS", "ELYTE_ALLOWED_ORIGINS"
# What a browser must load before its user can give a key, and what a supervisor asks.
OPEN_PATHS = frozenset(
    [
        *("/", "/livez", "/readyz", "/healthz", "/v2/health/live", "/v2/health/ready"),
        *("/openapi.json", "/docs.json", "/favicon.ico", "/docs", "/page"),
    ]
)
OPEN_FOLDERS = ("/docs/", "/page/")
# What machines ask as often as they were told to.
UNLIMITED_PATHS = OPEN_PATHS | {"/metrics"}
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}
PREFLIGHT_SECONDS = 600
# What clients of the Model Context Protocol send with each message to /mcp.
AGENTS_HEADERS = "Mcp-Protocol-Version, Mcp-Method, Mcp-Name"
SECURITY_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))

Headers = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Protection:
    """What is asked of callers.

    Parameters
    ----------
    key_digests
        SHA-256 of each valid key; none closes what writes.
    protect_reads
        Whether reading needs a key too.
    origins
        Origins (`https://lab.example`) whose web pages may use the service.
    """

    key_digests: tuple[bytes, ...] = ()
    protect_reads: bool = False
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, keys: tuple[str, ...] = (), *, protect_reads: bool = False, origins: tuple[str, ...] = ()
    ) -> Protection:
        """Return the protection by these keys and origins."""
        digests = tuple(hashlib.sha256(key.encode()).digest() for key in keys)
        return cls(digests, protect_reads, frozenset(map(_listed_origin, origins)))

    @classmethod
    def from_environment(cls) -> Protection:
        """Return the protection that the environment asks for.

        Raises
        ------
        ConfigurationError
            If a value cannot be meant, or reading needs a key and there is none.
        """
        keys, protect_reads = read_list(KEY_VARIABLE), read_flag(READS_VARIABLE)
        if protect_reads and not keys:
            raise ConfigurationError(f"{READS_VARIABLE} is on, but {KEY_VARIABLE} names no key: nobody could ask")
        return cls.of(keys, protect_reads=protect_reads, origins=read_list(ORIGINS_VARIABLE))

    def knows(self, key: bytes) -> bool:
        """Whether a key is valid; takes the same time whichever keys there are."""
        given = hashlib.sha256(key).digest()
        found = False
        for digest in self.key_digests:
            found |= hmac.compare_digest(given, digest)
        return found

    def place_of(self, key: bytes | None) -> int | None:
        """Return the place of a key in the list of keys, None for none and for one that is not valid."""
        digest = hashlib.sha256(b"" if key is None else key).digest()
        places = [hmac.compare_digest(known, digest) for known in self.key_digests]
        return places.index(True) if key is not None and any(places) else None

    def require_key(self, headers: Headers) -> None:
        """Refuse a caller without a valid key.

        Raises
        ------
        RequestError
            401.
        """
        given = _given_key(headers)
        if given is None or not self.knows(given):
            reason = "no key was sent" if given is None else "the key is not valid"
            message = f"{reason}; send it as X-API-Key: KEY or Authorization: Bearer KEY"
            raise RequestError(401, "unauthorized", message, {"WWW-Authenticate": 'Bearer realm="elyte"'})

    def require_right_to_write(self, headers: Headers) -> None:
        """Refuse a caller who may not write.

        Raises
        ------
        RequestError
            403 where writing is not enabled, 401 without a valid key.
        """
        if not self.key_digests:
            message = f"this route changes what is served and needs a key; start the service with {KEY_VARIABLE}=KEY"
            raise RequestError(403, "writing_disabled", message)
        self.require_key(headers)

    def allows_origin(self, origin: str, host: str) -> bool:
        """Whether a page of an origin may use the service that it calls `host`.

        A page of the service's own origin may, but a name of the host counts only if it is listed or local: any name
        can be made to resolve to this machine (DNS rebinding), an address literal cannot.
        """
        if origin.lower() in self.origins:
            return True
        page = _authority(origin)
        if page is None or not host or page != _authority(f"{urlsplit(origin).scheme}://{host}"):
            return False
        return _is_local_name_or_address(page[0])

    def allows_host(self, host: str) -> bool:
        """Whether a Host header names this service: an address, a local name, or the host of a listed origin."""
        named = _authority(f"http://{host}")
        if named is None:
            return False
        listed = {urlsplit(origin).hostname for origin in self.origins}
        return _is_local_name_or_address(named[0]) or named[0] in listed


def _listed_origin(origin: str) -> str:
    parts = urlsplit(origin)
    if (
        parts.scheme not in DEFAULT_PORTS
        or not parts.netloc
        or origin.rstrip("/") != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ConfigurationError(
            f"{ORIGINS_VARIABLE}: received {origin!r}, expected origins as browsers send them, https://lab.example:8443"
        )
    return origin.rstrip("/").lower()


def _authority(origin: str) -> tuple[str, int] | None:
    """Return name and port of an origin, None where it is none (`null`, or nonsense)."""
    try:
        parts = urlsplit(origin)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (KeyError, ValueError):
        return None
    return (parts.hostname, port) if parts.hostname and "@" not in parts.netloc else None


def _is_local_name_or_address(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _given_key(headers: Headers) -> bytes | None:
    if b"x-api-key" in headers:
        return headers[b"x-api-key"].strip()
    scheme, _, key = headers.get(b"authorization", b"").strip().partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else None


async def right_to_write(request: Request) -> None:
    """Refuse who may not change what is served or stored; a dependency of routes, whatever the configuration.

    Raises
    ------
    RequestError
        403 where writing is not enabled, 401 without a valid key.
    """
    protection: Protection = request.app.state.protection
    try:
        protection.require_right_to_write(_headers(request.scope))
    except RequestError as error:
        service_metrics().unauthorized.labels(error.code).inc()
        raise


def key_label(request: Request) -> str:
    """Return what the key of an admitted request is called: its place in the list of keys, never the key."""
    protection: Protection = request.app.state.protection
    place = protection.place_of(_given_key(_headers(request.scope)))
    assert place is not None, "the request was admitted"
    return f"API key {place + 1}"


def _headers(scope: Scope) -> Headers:
    """Return the first value of each header."""
    first: Headers = {}
    for name, value in scope["headers"]:
        first.setdefault(name.lower(), value)
    return first


class Guard:
    """ASGI middleware that asks for what a `Protection` demands of every request, and adds headers to every answer.

    Parameters
    ----------
    app
        The application behind it.
    protection
        What is demanded.
    limiter
        How often a key may ask; None for as often as it likes.
    """

    def __init__(self, app: ASGIApp, protection: Protection, limiter: RateLimiter | None = None) -> None:
        self.app = app
        self.protection = protection
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        origin = headers.get(b"origin", b"").decode("latin-1")
        allowed = origin != "" and self.protection.allows_origin(origin, headers.get(b"host", b"").decode("latin-1"))
        cors = self._cors_headers(origin, allowed=allowed)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                own = {name.lower() for name, _ in given}
                usual = [header for header in SECURITY_HEADERS if header[0] not in own]
                message["headers"] = [*given, *usual, *cors]
            await send(message)

        try:
            self._limit(scope, headers)  # first, so that keys cannot be guessed any faster
            self._check(scope, headers, origin, allowed=allowed)
        except RequestError as error:
            if error.status in (401, 403):
                service_metrics().unauthorized.labels(error.code).inc()
            await error_response(error, scope.get(RECORD_KEY))(scope, receive, send_with_headers)
            return
        if _is_preflight(scope, headers):
            await _preflight_answer(scope)(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)

    def _limit(self, scope: Scope, headers: Headers) -> None:
        """Raise the refusal of a request that comes too soon after others of the same key."""
        path = scope["path"]
        is_free = path in UNLIMITED_PATHS or path.startswith(OPEN_FOLDERS) or _is_preflight(scope, headers)
        if self.limiter is not None and not is_free:
            self.limiter.require_token(self.protection.place_of(_given_key(headers)))

    def _check(self, scope: Scope, headers: Headers, origin: str, *, allowed: bool) -> None:
        """Raise the refusal of a request that has no right to be answered."""
        reads = scope["method"] in READING_METHODS
        if origin and not allowed and (not reads or _is_preflight(scope, headers)):
            message = (
                f"a web page of {shown(origin)} may not use this service; list its origin in {ORIGINS_VARIABLE}, or"
                " open the service by its address"
            )
            raise RequestError(403, "origin_not_allowed", message)
        path = scope["path"]
        is_open = reads and (path in OPEN_PATHS or path.startswith(OPEN_FOLDERS))
        # A browser sends no key with a preflight.
        if self.protection.protect_reads and not is_open and not _is_preflight(scope, headers):
            self.protection.require_key(headers)

    def _cors_headers(self, origin: str, *, allowed: bool) -> list[tuple[bytes, bytes]]:
        if not self.protection.origins:
            return []
        added = [(b"vary", b"Origin")]
        if allowed:
            added += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", b"X-Request-ID, Retry-After"),
            ]
        return added


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and b"origin" in headers and b"access-control-request-method" in headers


def _preflight_answer(scope: Scope) -> Response:
    record: RequestRecord | None = scope.get(RECORD_KEY)
    if record is not None:
        record.route = "preflight"
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": f"Content-Type, X-API-Key, Authorization, {AGENTS_HEADERS}",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
    return Response(status_code=204, headers=headers)
