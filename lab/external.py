"""A cluster of the user's own instead of the lab's: nothing is started."""

from collections.abc import Mapping
from pathlib import Path

from lab.settings import Settings
from lab.system import LabError
from lab.tools import install

_NEEDED = {
    "PROMETHEUS_URL": "URL of a Prometheus that scrapes annotated pods, reachable from here and from pods",
    "REGISTRY": "host:port of an image registry that you may push to and the nodes pull from",
}


def wanted(environ: Mapping[str, str], own_kubeconfig: Path) -> bool:
    """Whether KUBECONFIG names a cluster that is not the lab's own."""
    return environ.get("KUBECONFIG", "") not in ("", str(own_kubeconfig))


def values(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The values of lab.env. Raises LabError naming every variable that is missing."""
    missing = [f"{name}: {meaning}" for name, meaning in _NEEDED.items() if not environ.get(name)]
    if missing:
        raise LabError("KUBECONFIG is set, so no cluster is started; set also\n  " + "\n  ".join(missing))
    return {
        "KUBECONFIG": environ["KUBECONFIG"],
        **{name: environ[name] for name in _NEEDED},
        "KUBECTL": str(install.kubectl(settings.cache)),
        "HELM": str(install.helm(settings.cache)),
    }
