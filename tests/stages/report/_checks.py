"""Results of checks, from plain to hostile."""

from __future__ import annotations

import datetime
from dataclasses import replace

from stages.gate._evidence import RULES, evidence, prediction, probed, task

from taskaff.core.records.estimate import Interval
from taskaff.core.settings import Limit, Waived
from taskaff.stages.gate import check

TODAY = datetime.date(2026, 11, 23)
HOSTILE = (
    "x\n::error::gotcha",
    "</testcase><x a='1'>&\x00\x0b\ud800\ufffe",
    "a,b:c%0A::set-output",
    "| <img src=x> `code` @team [l](http://e)\x1b[31m",
    "=cmd()|' /C calc'!A0",
    "##[error]boo\r\n]]>",
)


def hostile():
    name = dict(enumerate(HOSTILE))
    waivers = (Waived((name[0], name[2]), HOSTILE[1] + HOSTILE[3], None),)
    candidates, mix = (name[0], name[1], name[3]), (name[2], name[4], name[5])
    ways = [w for c in candidates for m in mix for w in ((c, m), (m, c))]
    seen = evidence(
        candidates=candidates,
        mix=mix,
        predictions=tuple(
            prediction(s, t, 0.9 if n % 3 else 0.6, note=HOSTILE[n % 6])
            for n, (s, t) in enumerate(ways)
        ),
    )
    sources = [replace(task(name), source=name) for name in candidates]
    return replace(seen, candidates=tuple(sources)), replace(RULES, waivers=waivers)


def harmless():
    """A probe that measured no harm, and how much it helped."""
    helped = (-0.04, -0.06, -0.02)
    found = probed("new", a=helped, b=(0.0, -0.01, 0.01), new=helped)
    metric = Interval(0.01, 0.005, 0.015, 0.002, 5)
    pairs = tuple(replace(pair, metric_gain=metric) for pair in found.pairs)
    seen = evidence(0.1, measured={"new": replace(found, pairs=pairs)})
    return check(seen, replace(RULES, probe=True, max_loss_increase=0.02), TODAY)


def checks():
    """Name to result."""
    safe, hurt = (0.0, -0.01, 0.01), (0.05, 0.03, 0.07)
    measured = {"new": probed("new", a=hurt, b=(0.0, -0.1, 0.1), new=safe)}
    expired = Waived(("a", "new"), "old", TODAY - datetime.timedelta(days=9))
    toothless = replace(RULES, probability_negative=Limit(fail=1.0), waivers=(expired,))
    return {
        "passed": check(evidence(0.1), RULES, TODAY),
        "warned": check(evidence(0.4), toothless, TODAY),
        "inconclusive": check(evidence(0.6, rows=500), RULES, TODAY),
        "counted": check(evidence(0.6), replace(RULES, inconclusive="fail"), TODAY),
        "tiny": check(evidence(0.6, rows=7), RULES, TODAY),
        "failed": check(evidence(0.9, candidates=("new", "other")), RULES, TODAY),
        "measured": check(
            evidence(0.1, measured=measured),
            replace(RULES, probe=True, max_loss_increase=0.02),
            TODAY,
        ),
        "safe": harmless(),
        "waived": check(
            evidence(0.9, mix=("a",)), replace(RULES, waivers=(Waived(("a", "new"), "ok"),)), TODAY
        ),
        "many": check(evidence(0.9, mix=tuple(f"m{n}" for n in range(30))), RULES, TODAY),
        "hostile": check(*hostile(), TODAY),
    }
