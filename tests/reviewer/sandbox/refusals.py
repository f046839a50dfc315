"""How the kernel refuses, as the probes inside the sandbox print it."""

from __future__ import annotations

REFUSED = {"refused EPERM", "refused EACCES"}
