"""The operator's own metrics."""

from prometheus_client import Counter, Gauge, Histogram

SOURCE_REQUESTS = Counter("knowngood_source_requests", "Requests to metrics sources by outcome.", ["source", "reason"])
SOURCE_SECONDS = Histogram(
    "knowngood_source_request_duration_seconds",
    "Time until a metrics source answered.",
    ["source"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CYCLES = Counter("knowngood_poll_cycles", "Poll cycles by policy interval.", ["interval"])
MISSED_TICKS = Counter(
    "knowngood_poll_missed_ticks", "Ticks passed over because the cycle before still ran.", ["interval"]
)
CYCLE_SECONDS = Histogram(
    "knowngood_poll_cycle_duration_seconds",
    "Time of a poll cycle, from the first request to the last verdict.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SIGNALS = Gauge("knowngood_signals", "Signals by their last verdict.", ["verdict"])
WATCHED = Gauge(
    "knowngood_model_watched",
    "1 where every signal of the model has data, 0 where one lacks it or none was judged yet.",
    ["namespace", "model"],
)
INCIDENTS_OPENED = Counter("knowngood_incidents_opened", "Incidents opened.", ["type", "severity"])
PHASES = Counter("knowngood_incident_phases", "Phases that incidents entered.", ["phase"])
TIME_TO_CONTAIN = Histogram(
    "knowngood_time_to_contain_seconds",
    "From opening an incident until it was contained.",
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
)
API_WRITES = Counter("knowngood_api_writes", "Writes to the Kubernetes API.", ["kind", "outcome"])
RECONCILE_ERRORS = Counter("knowngood_reconcile_errors", "Reconciles that failed and are tried again.", ["kind"])
NOT_UNDERSTOOD = Counter(
    "knowngood_objects_not_understood", "Objects that could not be read, told so in their own Ready.", ["kind"]
)
LEADER = Gauge("knowngood_leader", "1 while this replica leads.")
STOPPED = Gauge("knowngood_emergency_stop", "1 while everything that touches workloads is stopped.")
STOP_UNREADABLE = Gauge(
    "knowngood_emergency_stop_unreadable",
    "1 while the leader cannot read the emergency stop; after a minute of that, everything is stopped.",
)
WAITING = Gauge("knowngood_containments_waiting", "Incidents whose containment waits for a limit or a cooldown.")
