"""A strict reader of the Prometheus text format: what a scraper would refuse raises here too."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? ([^ ]+)(?: -?\d+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
SUFFIXES = ("_bucket", "_sum", "_count")


class Metrics:
    def __init__(self, text):
        assert text.endswith("\n"), "the last line must end in a newline"
        self.types, self.helps, self.samples = {}, {}, []
        seen, closed, current = set(), set(), None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                _, _, name, words = line.split(" ", 3)
                assert name not in self.helps, f"second HELP of {name}"
                self.helps[name] = words
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert kind in ("counter", "gauge", "histogram", "summary", "untyped"), line
                assert name not in self.types, f"second TYPE of {name}"
                self.types[name] = kind
            elif line and not line.startswith("#"):
                name, labels, value = self._sample(line)
                key = (name, tuple(sorted(labels.items())))
                assert key not in seen, f"two samples of {key}"
                seen.add(key)
                family = self._family(name)
                assert family not in closed or family == current, f"samples of {family} are not together"
                if current and family != current:
                    closed.add(current)
                current = family
                self.samples.append((name, labels, value))

    def _sample(self, line):
        match = SAMPLE.match(line)
        assert match, f"not a sample: {line!r}"
        labels, rest = {}, match[2] or ""
        while rest:
            label = LABEL.match(rest)
            assert label, f"not a label: {rest!r} in {line!r}"
            assert label[1] not in labels, f"label {label[1]} twice in {line!r}"
            labels[label[1]] = label[2]
            rest = rest[label.end() :]
        return match[1], labels, float(match[3])

    def _family(self, name):
        for suffix in SUFFIXES:
            if name.endswith(suffix) and self.types.get(name.removesuffix(suffix)) in ("histogram", "summary"):
                return name.removesuffix(suffix)
        assert name in self.types, f"{name} has no TYPE"
        return name

    def total(self, name, **labels):
        """The sum of the samples of `name` that carry these labels; 0 if there are none."""
        return sum(v for n, ls, v in self.samples if n == name and labels.items() <= ls.items())

    def labels(self, name):
        return [ls for n, ls, _ in self.samples if n == name]

    def names(self):
        return {name for name, _, _ in self.samples}

    def check_histograms(self):
        """Buckets grow, the last is +Inf and equals the count."""
        for family, kind in self.types.items():
            if kind != "histogram":
                continue
            series = {}
            for name, labels, value in self.samples:
                if name == family + "_bucket":
                    key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
                    series.setdefault(key, []).append((float(labels["le"]), value))
            for key, buckets in series.items():
                bounds = [bound for bound, _ in buckets]
                counts = [count for _, count in buckets]
                assert bounds == sorted(bounds) and bounds[-1] == float("inf"), (family, key, bounds)
                assert counts == sorted(counts), (family, key, counts)
                assert counts[-1] == self.total(family + "_count", **dict(key)), (family, key)
