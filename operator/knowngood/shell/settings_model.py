"""What an administrator may set at install time; every field's description becomes its documentation.

Python names are snake_case, names in the file are camelCase, durations are seconds.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from knowngood.shell.settings_types import (
    DnsLabel,
    DnsSubdomain,
    FilePath,
    Headers,
    Params,
    Registry,
    Seconds,
    SourceUrl,
)


class Section(BaseModel):
    """Base of all sections: unknown names are refused, values never change after the start."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


_JITTER = 1.2  # of the retries, as the elections of Kubernetes' own controllers have it


class BasicAuth(Section):
    """User name and password (HTTP basic authentication)."""

    username: Annotated[str, Field(min_length=1)]
    """The user name."""
    password_file: FilePath
    """File that holds the password, from a mounted Secret; read again when it changes."""


class Auth(Section):
    """How the operator proves to a Prometheus who it is; without it no credentials are sent."""

    bearer_token_file: FilePath | None = None
    """File that holds a bearer token, from a mounted Secret; read again when it changes."""
    basic: BasicAuth | None = None
    """User name and password (HTTP basic authentication)."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.bearer_token_file is None) == (self.basic is None):
            raise ValueError("needs exactly one of bearerTokenFile and basic; for no credentials leave auth out")
        return self


class Tls(Section):
    """How an https source is checked, and how the operator identifies itself to it."""

    ca_file: FilePath | None = None
    """PEM file of the authorities that sign the source's certificate; default: the image's own list."""
    cert_file: FilePath | None = None
    """PEM file of the client certificate; needs keyFile."""
    key_file: FilePath | None = None
    """PEM file of the client certificate's key; needs certFile."""
    server_name: Annotated[str, Field(min_length=1)] | None = None
    """The name that the source's certificate must carry; default: the host of url."""
    insecure_skip_verify: bool = False
    """Accept any certificate. Whoever stands between can then answer for the source: for tests only."""

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("needs certFile and keyFile together; write both or neither")
        return self


class Source(Section):
    """A Prometheus (or what speaks its API) that policies may name in sourceRef."""

    url: SourceUrl
    """Address of the API without /api/v1, http or https, without credentials."""
    timeout: Seconds = 10.0
    """How long one request may take before its answer counts as an error."""
    auth: Auth | None = None
    """How the operator proves who it is; without it no credentials are sent."""
    tls: Tls = Tls()
    """How an https source is checked, and how the operator identifies itself to it."""
    headers: Headers = {}
    """Further headers for each request, for example X-Scope-OrgID for Mimir. Not for credentials."""
    params: Params = {}
    """Further parameters for each request, for example partial_response: "false" for Thanos."""
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    """How many requests may run at once."""

    @model_validator(mode="after")
    def _tls_needs_https(self) -> Self:
        if self.url.startswith("http://") and self.tls != Tls():
            raise ValueError("has tls settings but an http address; write https:// in url or leave tls out")
        return self


class Registries(Section):
    """Where images may come from that the operator puts on a workload."""

    allowed: Annotated[list[Registry], Field(max_length=64)] = []
    """Registries as host[:port][/prefix]. Empty: none is restricted, known-good may come from any."""


class Watch(Section):
    """Which objects the operator looks at."""

    namespaces: Annotated[list[DnsLabel], Field(max_length=256)] = []
    """Namespaces to watch. Empty: all of them, which needs the ClusterRole."""
    relist_interval: Seconds = 300.0
    """How often everything is listed again, so that a lost watch event heals."""
    rollouts: bool = False
    """Whether Argo Rollouts' Rollouts are workloads too. Only where the cluster has that definition (argoproj.io)."""


class LeaderElection(Section):
    """One replica acts, the others stand by; held by a Lease."""

    enabled: bool = True
    """Off only where exactly one process can ever run, for example while developing."""
    name: DnsLabel = "knowngood-operator"
    """Name of the Lease."""
    namespace: DnsLabel | None = None
    """Namespace of the Lease; default: POD_NAMESPACE, else the ServiceAccount's own."""
    identity: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """Who holds the Lease; default: POD_NAME, else the host name and a random end."""
    lease_duration: Seconds = 15.0
    """How long the others wait after the last renewal before one takes over."""
    renew_deadline: Seconds = 10.0
    """How long the leader tries to renew before it stops acting."""
    retry_period: Seconds = 2.0
    """How long to wait between two tries."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        whole = int(self.lease_duration)  # the Lease holds whole seconds
        if not whole > self.renew_deadline > _JITTER * self.retry_period or self.retry_period < 1:
            raise ValueError(
                f"needs leaseDuration > renewDeadline > {_JITTER:g} x retryPeriod >= {_JITTER:g}s, the first in whole "
                f"seconds ({whole}s), or two replicas could act at once; write for example 15s, 10s and 2s"
            )
        return self


class Limits(Section):
    """How much may happen at once in the whole cluster."""

    max_concurrent_containments: Annotated[int, Field(ge=1, le=10_000)] = 10
    """How many containments may stand or be under way at the same time; other incidents wait and say so."""


class EmergencyStop(Section):
    """A ConfigMap in the operator's namespace that stops everything that touches workloads, within a second."""

    name: DnsLabel = "knowngood-emergency-stop"
    """Name of the ConfigMap; while it does not exist, nothing is stopped."""
    key: Annotated[str, Field(min_length=1, max_length=253)] = "stop"
    """Its key; every value but false, no, off, 0 and none stops."""
    interval: Seconds = 0.5
    """How often it is read."""


class Admission(Section):
    """The API server's own check of who decides on incidents."""

    policy: DnsSubdomain | None = None
    """Name of the ValidatingAdmissionPolicy and of its binding; without it no person's decision is honoured."""


class Http(Section):
    """The operator's own endpoints: /metrics, /healthz, /readyz."""

    host: Annotated[str, Field(min_length=1)] = "0.0.0.0"  # noqa: S104 - probes and scrapes come from outside the pod
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port to listen on; 0 takes a free one."""


class Log(Section):
    """What the operator writes to its standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe lines to write."""
    format: Literal["json", "console"] = "json"
    """One JSON object a line, or text for people."""


class Cluster(Section):
    """The cluster this operator runs in."""

    name: Annotated[str, Field(max_length=128)] = ""
    """Name of the cluster in logs and notifications; empty: none is shown."""


class Evidence(Section):
    """Bounds on what is frozen before a workload is touched."""

    max_budget: Seconds = 2.0
    """The longest that freezing evidence may hold up containment, whatever a playbook asks for."""
    max_points: Annotated[int, Field(ge=1, le=240)] = 240
    """How many raw samples of a series are kept in an incident."""


class Settings(Section):
    """All settings of the operator."""

    sources: Annotated[dict[DnsLabel, Source], Field(max_length=32)] = {}
    """The Prometheus servers that policies may name; a policy that names none means `default`."""
    registries: Registries = Registries()
    """Where images may come from that the operator puts on a workload."""
    watch: Watch = Watch()
    """Which objects the operator looks at."""
    leader_election: LeaderElection = LeaderElection()
    """One replica acts, the others stand by; held by a Lease."""
    limits: Limits = Limits()
    """How much may happen at once in the whole cluster."""
    emergency_stop: EmergencyStop = EmergencyStop()
    """A ConfigMap in the operator's namespace that stops everything that touches workloads, within a second."""
    admission: Admission = Admission()
    """The API server's own check of who decides on incidents."""
    http: Http = Http()
    """The operator's own endpoints: /metrics, /healthz, /readyz."""
    log: Log = Log()
    """What the operator writes to its standard output."""
    cluster: Cluster = Cluster()
    """The cluster this operator runs in."""
    evidence: Evidence = Evidence()
    """Bounds on what is frozen before a workload is touched."""
