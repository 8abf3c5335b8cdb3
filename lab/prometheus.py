"""Prometheus' configuration: pods that ask for it by annotation, named by the scrape."""

from typing import Any

import yaml

_POD = "__meta_kubernetes_pod"
_ANNOTATION = f"{_POD}_annotation_prometheus_io"


def _pods(kubeconfig: str) -> dict[str, Any]:
    return {
        "job_name": "pods",
        # A target's own `namespace` becomes `exported_namespace`: the scrape knows better.
        "honor_labels": False,
        "kubernetes_sd_configs": [{"role": "pod", "kubeconfig_file": kubeconfig}],
        "relabel_configs": [
            {"action": "keep", "source_labels": [f"{_ANNOTATION}_scrape"], "regex": "true"},
            {"action": "drop", "source_labels": [f"{_POD}_phase"], "regex": "Pending|Succeeded|Failed"},
            {"action": "drop", "source_labels": [f"{_POD}_container_init"], "regex": "true"},
            {"source_labels": [f"{_ANNOTATION}_scheme"], "regex": "(https?)", "target_label": "__scheme__"},
            {"source_labels": [f"{_ANNOTATION}_path"], "regex": "(.+)", "target_label": "__metrics_path__"},
            {
                "source_labels": [f"{_POD}_ip", f"{_ANNOTATION}_port"],
                "regex": "(.+);(\\d+)",
                "replacement": "$1:$2",
                "target_label": "__address__",
            },
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": [f"{_POD}_name"], "target_label": "pod"},
            {"source_labels": [f"{_POD}_node_name"], "target_label": "node"},
        ],
    }


def config(interval: str, kubeconfig: str, own_address: str) -> str:
    """The configuration file.

    interval: Prometheus duration between scrapes. kubeconfig: path of the one to discover
    pods with. own_address: host:port that Prometheus listens on, scraped too.
    """
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
            },
            "scrape_configs": [
                {"job_name": "prometheus", "static_configs": [{"targets": [own_address]}]},
                # Small servers of tests answer without a content type.
                {**_pods(kubeconfig), "fallback_scrape_protocol": "PrometheusText0.0.4"},
            ],
        },
        sort_keys=False,
    )
