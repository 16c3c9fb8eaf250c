"""Whether a registry answers at all, found out within seconds and before MLflow is imported.

MLflow's client asks a dead server for minutes, and no timeout of its own covers the look-up of a name. So one question
goes ahead of it, in a thread that is waited for no longer than `MLFLOW_HTTP_REQUEST_TIMEOUT` says.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from urllib.parse import SplitResult, urlsplit

TIMEOUT_VARIABLE = "MLFLOW_HTTP_REQUEST_TIMEOUT"
TIMEOUT_SECONDS = 4.0
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
CREDENTIALS = re.compile(r"//[^/@\s]+@")


class RegistryUnreachableError(RuntimeError):
    """A registry does not answer; the message names it, says why, and what to do."""


def timeout_seconds() -> float:
    """Return how long a registry may take: what the user set for MLflow, else `TIMEOUT_SECONDS`."""
    try:
        return float(os.environ.get(TIMEOUT_VARIABLE, "")) or TIMEOUT_SECONDS
    except ValueError:
        return TIMEOUT_SECONDS


def check_reachable(tracking_uri: str) -> None:
    """Ask a registry on another machine for a sign of life; stores of this machine and other clouds are not asked.

    Any answer will do, a refusal too: what it means is for MLflow to find out.

    Raises
    ------
    RegistryUnreachableError
        If it refuses the connection, its name does not resolve, or nothing comes in time.
    """
    place = urlsplit(tracking_uri)
    if place.hostname is None or not (place.scheme in ("http", "https") or _port_of(place)):
        return
    found: list[str | None] = []
    seconds = timeout_seconds()
    asking = threading.Thread(target=lambda: found.append(_fault(place, seconds)), name="registry-probe", daemon=True)
    asking.start()
    asking.join(seconds)
    fault = found[0] if found else f"no answer within {seconds:g} s"
    if fault is not None:
        raise _silent(tracking_uri, fault)


def unreachable(tracking_uri: str, reason: object) -> RegistryUnreachableError:
    """Return the error of a registry that was asked and does not answer, for what the network says."""
    return _silent(tracking_uri, _in_words(reason, timeout_seconds()))


def _silent(tracking_uri: str, fault: str) -> RegistryUnreachableError:
    return RegistryUnreachableError(
        f"the registry {CREDENTIALS.sub('//***@', tracking_uri)} does not answer ({fault}); start it, or correct"
        " MLFLOW_TRACKING_URI, or unset it to use the registry of this machine"
    )


def _port_of(place: SplitResult) -> int | None:
    """Return the port of a database server, None where the scheme is not that of one."""
    usual = _DATABASE_PORTS.get(place.scheme.partition("+")[0])
    return None if usual is None else place.port or usual


def _fault(place: SplitResult, seconds: float) -> str | None:
    """Return why there is no sign of life, None where there is one."""
    import ssl  # with the others a hundredth of a second, which every command would pay
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        if place.scheme in ("http", "https"):
            address = place._replace(netloc=place.netloc.rpartition("@")[2], path=f"{place.path.rstrip('/')}/health")
            urlopen(address.geturl(), timeout=seconds).close()
        else:
            socket.create_connection((str(place.hostname), _port_of(place)), timeout=seconds).close()
    except HTTPError as error:
        error.close()
    except (HTTPException, ssl.SSLError):
        return None
    except URLError as error:
        return None if isinstance(error.reason, ssl.SSLError) else _in_words(error.reason, seconds)
    except OSError as error:
        return _in_words(error, seconds)
    return None


def _in_words(reason: object, seconds: float) -> str:
    if isinstance(reason, TimeoutError):
        return f"no answer within {seconds:g} s"
    return str(getattr(reason, "strerror", None) or reason).lower()
