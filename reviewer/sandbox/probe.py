"""The self-test's script, run inside the sandbox: try what must fail, and print the results as one line of JSON.

The sandbox's Python gets the text of this file, so it imports little, and only from the standard library. If an attempt
succeeds that should fail, it changes nothing except a file named `reviewer-probe`.
"""

from __future__ import annotations

import json
import os
import socket
import sys

#: An address reserved for documentation, and a public DNS server. https://www.rfc-editor.org/rfc/rfc5737
_FAR = (("192.0.2.1", 80), ("1.1.1.1", 53))
_VSOCK = 40
_OUTSIDE = ("/", "/usr", "/usr/local", "/etc", "/dev", "/proc/sys/kernel", ".")
_INSIDE = ("/tmp", "/dev/shm", os.environ.get("REVIEWER_RESULTS", "/results"))  # noqa: S108 - is what is tried
_STATUS = ("NoNewPrivs", "CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb", "Seccomp", "Uid")


def main() -> None:
    """Try everything and print the results. The one argument is the secret that must not be found."""
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs 8 ms
        status = dict(line.split(":", 1) for line in file if ":" in line)
    facts = {
        "reached": [f"{host}:{port}" for host, port in _FAR if _connects(host, port)] + _resolved(),
        "interfaces": [name for _, name in socket.if_nameindex()],
        "loopback": _talks_to_itself(),
        "vsock": _makes(_VSOCK),
        "leaks": _with_secret(sys.argv[1].encode()),
        "own_environment": sorted(os.environ),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()),  # noqa: PTH208
        "written_outside": [place for place in _OUTSIDE if _writes(place)],
        "written_inside": [place for place in _INSIDE if _writes(place)],
        "became_root": _becomes_root(),
        "setuid_mounts": [place for place in ("/usr", "/tmp") if not os.statvfs(place).f_flag & os.ST_NOSUID],  # noqa: S108
        "status": {name: status.get(name, "").strip() for name in _STATUS},
    }
    print(json.dumps(facts))  # noqa: T201 - this is the answer


def _connects(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as connection:
            connection.settimeout(1)
            if connection.connect_ex((host, port)) == 0:  # for a datagram: there is a route
                return True
    return False


def _resolved() -> list[str]:
    try:
        return [f"DNS: {socket.gethostbyname('example.com')}"]
    except OSError:
        return []


def _talks_to_itself() -> bool:
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), 1) as connection,
        ):
            other, _ = server.accept()
            with other:
                connection.sendall(b"x")
                return other.recv(1) == b"x"
    except OSError:
        return False


def _makes(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _with_secret(secret: bytes) -> list[str]:
    """Return the processes whose environment contains the secret."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            with open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if secret in file.read():
                    found.append(name)
        except OSError:
            continue
    return found


def _writes(place: str) -> bool:
    try:
        with open(f"{place}/reviewer-probe", "wb") as file:  # noqa: PTH123
            file.write(b"x")
        os.unlink(f"{place}/reviewer-probe")  # noqa: PTH108
    except OSError:
        return False
    return True


def _becomes_root() -> bool:
    try:
        os.setuid(0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
