"""Which release each sample is of, and under which key its series is remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.sample import Sample
from knowngood.core.signals.series import Key, key_of

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

    def judged(self, releases: Releases) -> bool:
        """Whether it is of a release that runs, or of none that could be told."""
        return _judged(self.digest, self.separable, releases)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sample of one release stands among a model's series: in one of them, or in those of several pods."""

    rows: tuple[int, ...]
    digest: str | None
    separable: bool
    pooled: Key | None = None  # the labels that those have in common

    def judged(self, releases: Releases) -> bool:
        """Whether it is of a release that runs, or of none that could be told."""
        return _judged(self.digest, self.separable, releases)


def _judged(digest: str | None, separable: bool, releases: Releases) -> bool:
    return digest is not None and (not separable or digest in releases.running)


def places(signal: CompiledSignal, labels: Sequence[Mapping[str, str]], releases: Releases) -> list[Place]:
    """The place of each release's series, of which these are the ``labels``; in a fixed order, since a source promises
    none.

    Where pods stand for releases, what one release's pods counted is one sample, so that many pods with little traffic
    each are not too few to judge.
    """
    rows = range(len(labels)) if len(labels) < 2 else sorted(range(len(labels)), key=lambda i: key_of(labels[i]))
    found = [Place((row,), *_release(labels[row], signal, releases)) for row in rows]
    if signal.by_release or signal.pool is None:
        return found
    groups: dict[tuple[Key, str | None, bool], list[int]] = {}
    for one in found:
        rest = {k: v for k, v in labels[one.rows[0]].items() if k != signal.release_label}
        groups.setdefault((key_of(rest), one.digest, one.separable), []).append(one.rows[0])
    return [Place(tuple(of), digest, separable, key) for (key, digest, separable), of in groups.items()]


def placed(signal: CompiledSignal, samples: Sequence[Sample], releases: Releases) -> list[Placed]:
    """Each release's sample with its release."""
    found: list[Placed] = []
    for place in places(signal, [s.labels for s in samples], releases):
        sample = samples[place.rows[0]]
        if signal.pool is not None and place.pooled is not None:
            sample = signal.pool([samples[row] for row in place.rows], dict(place.pooled))
        found.append(Placed(sample, place.digest, place.separable))
    return found


def _release(labels: Mapping[str, str], signal: CompiledSignal, releases: Releases) -> tuple[str | None, bool]:
    """(digest or None where unknown, whether the series tells releases apart)."""
    value = labels.get(signal.release_label)
    if value is None:
        return next(iter(releases.running)) if len(releases.running) == 1 else "", False
    if not signal.by_release:
        return releases.pods.get(value, ""), True
    return releases.ties.get(value), True
