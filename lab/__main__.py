"""`python -m lab up|down|status|env|helm|rollouts`."""

import argparse
import os
import shutil
import subprocess
import sys

from lab import cleanup, env, external, ports, settings, up
from lab.probes import Api
from lab.progress import say
from lab.settings import Settings
from lab.system import LabError
from lab.tools import install

# What of the caller's environment the lab reads, kept across sudo.
_KEPT = (
    "KNOWNGOOD_LAB_",
    "KUBEBUILDER_ASSETS",
    "PATH",
    "PIP_",
    "GOPROXY",
    "GOSUMDB",
    "SSL_CERT",
    "HTTP",
    "NO_PROXY",
)


def _become_root(cache: str) -> None:
    sudo = shutil.which("sudo")
    if os.geteuid() == 0 or not sudo or subprocess.run([sudo, "-n", "true"], capture_output=True).returncode:
        return
    os.environ["KNOWNGOOD_LAB_CACHE"] = cache
    kept = ",".join(name for name in os.environ if name.startswith(_KEPT))
    argv = ["sudo", "-n", f"--preserve-env={kept}", sys.executable, "-m", "lab", *sys.argv[1:]]
    os.execv(sudo, argv)


def _up(lab: Settings) -> int:
    if external.wanted(os.environ, lab.kubeconfig):
        print(env.write(external.values(os.environ, lab)), end="")
        return 0
    _become_root(str(lab.cache))
    print(up.up(lab), end="")
    return 0


def _down(lab: Settings) -> int:
    if cleanup.exists(lab) or up.health(lab):
        _become_root(str(lab.cache))
        up.down(lab)
    return 0


def _status(lab: Settings) -> int:
    """0 when all runs, 1 when something died, 3 when there is no lab."""
    alive = up.health(lab)
    if not alive:
        print("no lab is running")
        return 3
    for name, lives in alive.items():
        print(f"{name:20} {'running' if lives else f'DEAD  (log: {lab.logs / name}.log)'}")
    at = ports.remembered(lab.state / "ports.json") or {}
    ready = alive.get("apiserver") and at and Api(lab, at["apiserver"]).node_ready()
    print(f"{'node':20} {'ready' if ready else 'NOT READY'}")
    print(f"{'ports':20} {' '.join(f'{name}={port}' for name, port in at.items())}")
    return 0 if ready and all(alive.values()) else 1


def _env(lab: Settings) -> int:
    print(env.FILE.read_text() if env.load() else "", end="")
    return 0


def _helm(lab: Settings) -> int:
    print(install.helm(lab.cache))
    return 0


def _rollouts(lab: Settings) -> int:
    print(install.rollouts(lab.cache))
    return 0


_COMMANDS = {
    "up": (_up, "start the lab, or reuse the one that runs; writes and prints build/lab.env"),
    "down": (_down, "end the lab and remove everything but its cache"),
    "status": (_status, "each component and whether it lives"),
    "env": (_env, "print build/lab.env"),
    "helm": (_helm, "wait until helm is built and print its path"),
    "rollouts": (_rollouts, "wait until Argo Rollouts' controller is built and print its directory"),
}


def main() -> int:
    """Run the command that the command line names; 1 with one clear text where it cannot."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=sys.modules["lab"].__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, text) in _COMMANDS.items():
        commands.add_parser(name, help=text)
    chosen = parser.parse_args().command
    try:
        return _COMMANDS[chosen][0](settings.load())
    except LabError as error:
        say(f"lab {chosen}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
