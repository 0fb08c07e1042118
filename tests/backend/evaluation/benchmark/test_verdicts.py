"""What a verdict says where the data show something, and where they cannot tell."""

from backend.evaluation.benchmark.results import Difference, MetricValue, Results, Row
from backend.evaluation.benchmark.verdicts import is_worse, verdict

METHODS = ("original", "lcr", "uce", "retrain")


def results(strikes: dict[str, Difference], retain: dict[str, Difference]) -> Results:
    rows = []
    for number, method in enumerate(METHODS):
        apart = MetricValue(0.1 * number, low=0.1 * number - 0.01, high=0.1 * number + 0.01)
        forget = {
            "strike_rate": MetricValue(0.1, against_d_r=strikes.get(method)),
            "fid_to_d_r": apart,
        }
        held = {"fid_corrected": MetricValue(0.1, against_original=retain.get(method))}
        rows += [Row("momask", method, "forget", 60, forget)]
        rows += [Row("momask", method, "retain", 60, held)]
    return Results(2, {}, tuple(rows), (), ())


OPEN, MORE, LESS = Difference(0.0, -0.1, 0.1), Difference(0.2, 0.1, 0.3), Difference(-0.2, -0.3, 0)


def test_the_interval_answers() -> None:
    assert [is_worse(d) for d in (OPEN, MORE, LESS, None, Difference(0.1))] == [
        "unclear",
        "yes",
        "no",
        "unclear",
        "unclear",
    ]


def test_a_method_that_is_shown_to_be_worse_is_left_out() -> None:
    found = verdict(
        results({"lcr": MORE, "uce": OPEN}, {"lcr": LESS, "uce": LESS}), "momask", METHODS
    )
    assert found.method == "uce"
    assert "the data cannot tell whether more strikes than D_r (up to 10 points" in found.reason
    assert "no higher retain FID" in found.reason


def test_what_lies_within_the_noise_is_named_beside_the_nearest() -> None:
    open_ones = {"lcr": OPEN, "uce": OPEN}
    found = verdict(results(open_ones, open_ones), "momask", METHODS)
    assert found.method == "lcr"
    assert "not told apart" not in found.reason
    rows = results(open_ones, open_ones).rows
    wide = Results(
        2,
        {},
        tuple(
            Row(
                r.model,
                r.method,
                r.suite,
                r.prompts,
                r.figures | {"fid_to_d_r": MetricValue(0.2, low=0.0, high=0.9)},
            )
            for r in rows
        ),
        (),
        (),
    )
    assert "not told apart from it: uce" in verdict(wide, "momask", METHODS).reason


def test_all_worse_and_no_d_r() -> None:
    worse = {"lcr": MORE, "uce": MORE}
    found = verdict(results(worse, {}), "momask", METHODS)
    assert found.method is None
    assert "more strikes than D_r by 10 to 30 points" in found.reason
    nothing = verdict(Results(2, {}, (), (), ()), "momask", METHODS)
    assert nothing.method is None
    assert "no D_r" in nothing.reason
