"""Which release each sample is of, and under which key its series is remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.sample import Key, Sample, key_of

SeriesKey = tuple[str, Key]
"""A release's digest and labels: what is remembered of one release is never another's."""


@dataclass(frozen=True, slots=True)
class Releases:
    """What is known of a model's releases: label value to digest, pod name to digest, and the digests that run.

    ``known_good`` and ``previous`` are digests that the running one may be compared with; empty where there is none.
    """

    ties: Mapping[str, str]
    pods: Mapping[str, str]
    running: frozenset[str]
    known_good: str = ""
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A sample with its release's digest: None where unknown, empty where several run and nothing tells them apart."""

    sample: Sample
    digest: str | None
    separable: bool

    def key(self) -> SeriesKey:
        """The series', release label and all, since two labels may stand for one image."""
        return self.digest or "", key_of(self.sample.labels)

    def segment(self, signal: CompiledSignal) -> SeriesKey:
        """Without the release label, so that a release finds what another one was like.

        A value by pod that cannot be pooled stays its pod's own.
        """
        labels = key_of(self.sample.labels)
        if signal.by_release:
            labels = tuple(pair for pair in labels if pair[0] != signal.release_label)
        return self.digest or "", labels


def placed(signal: CompiledSignal, samples: Sequence[Sample], releases: Releases) -> list[Placed]:
    """Each sample with its release, in a fixed order, since a source promises none.

    Where pods stand for releases, what one release's pods counted is one sample, so that many pods with little traffic
    each are not too few to judge.
    """
    ordered = samples if len(samples) < 2 else sorted(samples, key=lambda s: key_of(s.labels))
    found = [Placed(s, *_release(s, signal, releases)) for s in ordered]
    if signal.by_release or signal.pool is None:
        return found
    groups: dict[tuple[Key, str | None, bool], list[Sample]] = {}
    for one in found:
        rest = {k: v for k, v in one.sample.labels.items() if k != signal.release_label}
        groups.setdefault((key_of(rest), one.digest, one.separable), []).append(one.sample)
    return [Placed(signal.pool(group, dict(key)), digest, sep) for (key, digest, sep), group in groups.items()]


def _release(sample: Sample, signal: CompiledSignal, releases: Releases) -> tuple[str | None, bool]:
    """(digest or None where unknown, whether the series tells releases apart)."""
    value = sample.labels.get(signal.release_label)
    if value is None:
        return next(iter(releases.running)) if len(releases.running) == 1 else "", False
    if not signal.by_release:
        return releases.pods.get(value, ""), True
    return releases.ties.get(value), True
