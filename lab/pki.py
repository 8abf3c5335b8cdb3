"""Certificates, tokens and kubeconfigs of one lab; all new at each start."""

import json
import secrets
from pathlib import Path

from lab.settings import GATEWAY, NODE, SERVICE_IP, Settings
from lab.system import run

_DAYS = "3650"
_CURVE: list[str | Path] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

# Who may come with a token: name → groups. The authorities' default roles know these names.
USERS = {
    "admin": ["system:masters"],
    "system:kube-controller-manager": [],
    "system:kube-scheduler": [],
    "system:kube-proxy": [],
    f"system:node:{NODE}": ["system:nodes"],
    "knowngood-lab:prometheus": [],
}


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def certificates(pki: Path) -> None:
    """An authority, the apiserver's certificate, its client certificate for the kubelet, a signing key."""
    pki.mkdir(parents=True, exist_ok=True)
    pki.chmod(0o700)
    ca: list[str | Path] = ["openssl", "req", "-x509", *_CURVE, "-days", _DAYS, "-subj", "/CN=knowngood-lab"]
    run([*ca, "-keyout", pki / "ca.key", "-out", pki / "ca.crt"])
    names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost"
    _signed(pki, "apiserver", "/CN=kube-apiserver", f"{names},IP:{GATEWAY},IP:{SERVICE_IP},IP:127.0.0.1")
    _signed(pki, "kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client", "DNS:kube-apiserver")
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pki / "sa.key"])
    run(["openssl", "ec", "-in", pki / "sa.key", "-pubout", "-out", pki / "sa.pub"])


def _signed(pki: Path, name: str, subject: str, names: str) -> None:
    key, certificate = pki / f"{name}.key", pki / f"{name}.crt"
    authority: list[str | Path] = ["-CA", pki / "ca.crt", "-CAkey", pki / "ca.key"]
    uses = ["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth,clientAuth"]
    extensions = [f"subjectAltName={names}", *uses]
    added = [word for extension in extensions for word in ("-addext", extension)]
    head: list[str | Path] = ["openssl", "req", "-x509", *_CURVE, "-days", _DAYS, "-subj", subject]
    run([*head, *authority, *added, "-keyout", key, "-out", certificate])


def tokens(pki: Path) -> dict[str, str]:
    """A new token for each user, also written as the apiserver's token file."""
    made = {user: secrets.token_hex(24) for user in USERS}
    lines = [f'{token},{user},{user},"{",".join(USERS[user])}"' for user, token in made.items()]
    _private(pki / "tokens.csv", "\n".join(lines) + "\n")
    return made


def kubeconfig(server: str, authority: str, user: str, token: str) -> str:
    """A kubeconfig as JSON, which is YAML too. `authority` is the path of the CA certificate."""
    name = "knowngood-lab"
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": authority}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user, "namespace": "default"}}],
            "current-context": name,
        },
        indent=1,
    )


def kubeconfig_of(settings: Settings, user: str) -> Path:
    """Where a user's kubeconfig is."""
    return settings.kubeconfig if user == "admin" else settings.pki / f"{user.replace(':', '-')}.kubeconfig"


def kubeconfigs(settings: Settings, port: int) -> None:
    """Write a kubeconfig, with a new token, for each user."""
    authority = (settings.pki / "ca.crt").read_text()
    readable = settings.state / "ca.crt"
    readable.write_text(authority)
    for user, token in tokens(settings.pki).items():
        text = kubeconfig(f"https://{GATEWAY}:{port}", str(readable), user, token)
        _private(kubeconfig_of(settings, user), text)
