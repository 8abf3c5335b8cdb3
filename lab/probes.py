"""Questions to a component that is starting; each answers true or false, and never raises."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from lab.pki import kubeconfig_of
from lab.settings import GATEWAY, NODE, Settings

_TIMEOUT = 2.0
# Our addresses are never behind the proxy that the environment may name.
_NO_PROXY = urllib.request.ProxyHandler({})


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.build_opener(_NO_PROXY).open(url, timeout=_TIMEOUT) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


class Api:
    """A small client of the lab's apiserver, as administrator."""

    def __init__(self, settings: Settings, port: int) -> None:
        admin = json.loads(kubeconfig_of(settings, "admin").read_text())
        self._token = admin["users"][0]["user"]["token"]
        trust = ssl.create_default_context(cafile=str(settings.state / "ca.crt"))
        self._opener = urllib.request.build_opener(_NO_PROXY, urllib.request.HTTPSHandler(context=trust))
        self._server = f"https://{GATEWAY}:{port}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer, or None on any failure."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server + path, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                text = response.read()
        except (OSError, ValueError):
            return None
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def ready(self) -> bool:
        """Whether the apiserver says so."""
        return bool(self.call("GET", "/readyz") == "ok")

    def node_ready(self) -> bool:
        """Whether the node can take pods."""
        node = self.call("GET", f"/api/v1/nodes/{NODE}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        # The controller manager takes the not-ready taint off a moment later.
        return ready and not node.get("spec", {}).get("taints")

    def token_issued(self) -> bool:
        """Whether the default ServiceAccount exists, with its CA bundle, and gets a token."""
        if not self.call("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"):
            return False
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        answer = self.call("POST", path, body)
        return bool(answer and answer.get("status", {}).get("token"))
