"""Intervals over pictures and tests over trainings: closed forms, and what a simulated null and a true effect give."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from explain.measures import wilson
from study import statistics

DEPTHS = 18


def trainings(rng, number, depths=DEPTHS):
    """Figures of trainings of one distribution: neighbouring depths go together, deep ones spread more, tails heavy."""
    steps = rng.standard_t(4, size=(number, depths)) * 0.3
    common = rng.standard_t(4, size=(number, 1))
    return 0.5 + (common + np.cumsum(steps, axis=1)) * np.linspace(0.001, 0.02, depths)


def pairs(rng, number, depths=DEPTHS):
    """Agreement of all pairs of trainings: each training has its own share in all of its pairs."""
    single = trainings(rng, number, depths)
    noise = rng.normal(0, 0.004, (number, number, depths))
    return single[:, None] + single[None] + noise + noise.transpose(1, 0, 2)


# --- over pictures ----------------------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_the_one_of_the_central_limit():
    values = np.random.default_rng(1).normal(2, 3, 900)  # 3 / sqrt(900) = 0.1
    figure = statistics.bootstrap(values)
    assert figure["mean"] == pytest.approx(values.mean(), abs=1e-6)
    assert figure["low"] == pytest.approx(values.mean() - 0.196, abs=0.02)
    assert figure["high"] == pytest.approx(values.mean() + 0.196, abs=0.02)


def test_undefined_pictures_are_left_out():
    values = np.array([np.nan, 1, 3, np.nan])
    assert statistics.bootstrap(values) == {"mean": 2, "low": 1, "high": 3, "n": 2}
    assert statistics.share(np.array([np.nan, 1, 0, 1]))["n"] == 3
    assert statistics.share_difference(np.array([1, np.nan, 0]), np.array([0, 1, np.nan]))["n"] == 1
    nothing = np.full(4, np.nan)
    assert statistics.bootstrap(nothing) is statistics.share(nothing) is None
    assert statistics.share_difference(nothing, nothing) is None


def test_a_share_without_an_event_is_not_known_exactly():
    figure = statistics.share(np.zeros(300))
    assert (figure["mean"], figure["low"]) == (0, 0)
    assert 0.01 < figure["high"] < 0.02
    difference = statistics.share_difference(np.zeros(300), np.zeros(300))
    assert difference["low"] < -0.01 < 0.01 < difference["high"]


def paired(both, left, right, none):
    counts = [both, left, right, none]
    return np.repeat([1.0, 1, 0, 0], counts), np.repeat([1.0, 0, 1, 0], counts)


def test_the_difference_of_two_shares_has_newcombe_s_interval():
    a, b = paired(36, 12, 2, 0)  # an example of the paper: 0.0569 to 0.3404
    figure = statistics.share_difference(a, b)
    assert (figure["mean"], figure["low"], figure["high"]) == pytest.approx((0.2, 0.0569, 0.3404), abs=1e-4)
    mirrored = statistics.share_difference(b, a)
    assert (mirrored["low"], mirrored["high"]) == pytest.approx((-figure["high"], -figure["low"]), abs=1e-6)
    _, high = wilson(0, 50)  # nothing on one side: both widths, square and add
    assert statistics.share_difference(np.zeros(50), np.zeros(50))["high"] == pytest.approx(high, abs=1e-6)


@pytest.mark.parametrize("chances", [(0.5, 0.2, 0.05, 0.25), (0.0, 0.03, 0.0, 0.97), (0.9, 0.02, 0.02, 0.06)])
def test_the_interval_of_a_difference_of_shares_holds_it_19_times_in_20(chances):
    rng, held = np.random.default_rng(0), 0
    for counts in rng.multinomial(100, chances, 1000):
        figure = statistics.share_difference(*paired(*counts))
        held += figure["low"] <= chances[1] - chances[2] <= figure["high"]
    assert 0.93 <= held / 1000 <= 0.999


def test_two_groups_of_pictures_have_welch_s_interval():
    rng = np.random.default_rng(2)
    some, others = rng.normal(1, 2, 8), rng.normal(0, 1, 200)
    figure = statistics.group_difference(np.append(some, np.nan), others)
    expected = stats.ttest_ind(some, others, equal_var=False).confidence_interval()
    assert (figure["low"], figure["high"], figure["n"]) == pytest.approx((expected.low, expected.high, 8), abs=1e-5)
    assert statistics.group_difference(some[:4], others) is None
    assert statistics.group_difference(np.ones(5), np.zeros(5)) == {"mean": 1, "low": 1, "high": 1, "n": 5}


# --- over trainings: closed forms -------------------------------------------------------------------------------------


def test_all_labellings_are_looked_at_once():
    marks = statistics.labellings(3, 2)
    assert len({tuple(row) for row in marks.tolist()}) == len(marks) == 10
    assert (marks.sum(1) == 3).all()
    assert marks[0].tolist() == [True, True, True, False, False]
    with pytest.raises(ValueError, match="labellings"):
        statistics.labellings(15, 15)


@pytest.mark.parametrize(("a", "b", "possible"), [(1, 5, False), (2, 2, False), (3, 9, False), (4, 4, True)])
def test_with_fewer_than_four_against_four_nothing_can_be_told(a, b, possible):
    assert statistics.enough(a, b) == possible


@pytest.mark.parametrize(("a", "b", "least"), [(2, 2, 2 / 6), (4, 4, 2 / 70), (5, 5, 2 / 252), (4, 5, 1 / 126)])
def test_the_least_p_is_that_of_the_true_labelling_and_its_mirror_image(a, b, least):
    left, right = np.arange(a)[:, None] + 10.0, np.arange(b)[:, None] + 0.0
    assert statistics.test_means(left, right).p == pytest.approx([least])
    alike = np.zeros((a + b, a + b, 1))
    alike[:a, :a] = alike[a:, a:] = 1 + np.random.default_rng(0).normal(0, 1e-3)
    assert statistics.test_pairs(alike, a).p == pytest.approx([least])


def test_p_is_the_share_of_labellings_that_reach_it():
    left, right = [1.0, 2.0, 4.0], [3.0, 5.0, 6.0]
    values = np.array(left + right)
    splits = [set(chosen) for chosen in itertools.combinations(range(6), 3)]
    gaps = [abs(np.mean([values[i] for i in s]) - np.mean([values[i] for i in range(6) if i not in s])) for s in splits]
    expected = np.mean([gap >= gaps[0] - 1e-9 for gap in gaps])
    tested = statistics.test_means(np.array(left)[:, None], np.array(right)[:, None])
    assert tested.p == pytest.approx([expected])
    pooled = math.sqrt((np.var(left) + np.var(right)) * 3 / 4)
    assert tested.statistic == pytest.approx([(np.mean(left) - np.mean(right)) / pooled])
    assert tested.statistic * math.sqrt(1 / (1 / 3 + 1 / 3)) == pytest.approx([stats.ttest_ind(left, right).statistic])


def test_the_pairs_statistic_is_the_mean_between_less_the_mean_within():
    values = np.array([[0, 8, 1, 2], [8, 0, 3, 4], [1, 3, 0, 6], [2, 4, 6, 0]], float)
    # between 1, 2, 3, 4: 2.5; within 8 and 6: 7. The other two ways: (1, 4, 8, 6) 4.75 - 2.5; (8, 2, 3, 6) 4.75 - 2.5
    tested = statistics.test_pairs(values[..., None], 2)
    assert tested.statistic == pytest.approx([-4.5])
    assert tested.p == pytest.approx([2 / 6])


def test_the_greatest_of_all_depths_corrects():
    rng = np.random.default_rng(3)
    left, right = trainings(rng, 5), trainings(rng, 5)
    left[:, 7] += 1
    alone, together = statistics.test_means(left[:, 7:8], right[:, 7:8]), statistics.test_means(left, right)
    assert together.p[7] >= alone.p[0] == pytest.approx(2 / 252)
    singles = np.array([statistics.test_means(left[:, [k]], right[:, [k]]).p[0] for k in range(DEPTHS)])
    assert (together.p >= singles - 1e-12).all()
    order = np.argsort(-np.abs(together.statistic))
    assert (np.diff(together.p[order]) >= 0).all()


@pytest.mark.parametrize("test", ["means", "pairs"])
def test_which_recipe_is_called_left_does_not_matter(test):
    rng = np.random.default_rng(4)
    if test == "means":
        left, right = trainings(rng, 5) + 0.01, trainings(rng, 4)
        one, other = statistics.test_means(left, right), statistics.test_means(right, left)
        np.testing.assert_allclose(one.statistic, -other.statistic)
    else:
        values = pairs(rng, 9)
        one, other = statistics.test_pairs(values, 5), statistics.test_pairs(values[::-1, ::-1], 4)
        np.testing.assert_allclose(one.statistic, other.statistic)
    np.testing.assert_array_equal(one.p, other.p)


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_neither_scale_nor_place_of_a_figure_matters(scale):
    rng = np.random.default_rng(5)
    left, right = trainings(rng, 5), trainings(rng, 5)
    one, other = statistics.test_means(left, right), statistics.test_means(scale * left + scale, scale * right + scale)
    np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-6)
    np.testing.assert_array_equal(one.p, other.p)


def test_trainings_that_are_all_alike_do_not_differ_and_a_spread_of_zero_divides_nothing():
    flat = np.full((5, 1), 0.1) * [[1, 3, 7]]
    tested = statistics.test_means(flat, flat)
    assert tested.statistic.tolist() == [0, 0, 0]
    assert tested.p.tolist() == [1, 1, 1]
    tested = statistics.test_means(flat + [0, 1, 0], flat)
    assert tested.statistic.tolist() == [0, math.inf, 0]
    assert tested.p == pytest.approx([1, 2 / 252, 1])
    tested = statistics.test_pairs(np.full((10, 10, 2), 0.3), 5)
    assert (tested.statistic.tolist(), tested.p.tolist()) == ([0, 0], [1, 1])


def test_a_depth_where_a_figure_is_undefined_is_left_out_and_the_others_are_not():
    rng = np.random.default_rng(6)
    left, right = trainings(rng, 5), trainings(rng, 5)
    whole = statistics.test_means(left[:, 1:], right[:, 1:])
    left[2, 0] = np.nan
    tested = statistics.test_means(left, right)
    assert np.isnan(tested.statistic[0])
    assert np.isnan(tested.p[0])
    np.testing.assert_array_equal(tested.p[1:], whole.p)
    assert np.isnan(statistics.test_means(np.full((4, 2), np.nan), right[:, :2]).p).all()


# --- over trainings: intervals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_an_interval_holds_what_the_test_does_not_reject(seed):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(0.8, 1, 5), rng.normal(0, 1, rng.integers(4, 7))
    figure = statistics.shift(left, right)
    assert figure["mean"] == pytest.approx(left.mean() - right.mean(), abs=1e-6)
    for end, inward in (("low", 1), ("high", -1)):
        for step, rejected in ((1e-4, False), (-1e-4, True)):
            effect = figure[end] + inward * step
            p = statistics.test_means((left - effect)[:, None], right[:, None]).p[0]
            assert (p <= 0.05) == rejected
    values = pairs(rng, 10, 1)[..., 0]
    values[:5, 5:] += 0.005
    values[5:, :5] += 0.005
    figure = statistics.excess(values, 5)
    between = np.zeros((10, 10))
    between[:5, 5:] = between[5:, :5] = 1
    for end, inward in (("low", 1), ("high", -1)):
        for step, rejected in ((1e-5, False), (-1e-5, True)):
            left_over = values - (figure[end] + inward * step) * between
            assert (statistics.test_pairs(left_over[..., None], 5).p[0] <= 0.05) == rejected


def test_an_interval_over_trainings_holds_the_true_difference_19_times_in_20():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(500):
        figure = statistics.shift(0.3 + rng.standard_t(4, 5), rng.standard_t(4, 5))
        held += figure["low"] <= 0.3 <= figure["high"]
    assert 0.95 - 3 * math.sqrt(0.05 * 0.95 / 500) <= held / 500 <= 0.99


# --- over trainings: a null, and a true difference --------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(4, 4), (5, 5), (4, 6)])
def test_of_all_labellings_at_most_one_in_twenty_is_marked(numbers):
    """Not in the mean over simulations but for each single set of figures."""
    rng = np.random.default_rng(8)
    values, alike = trainings(rng, sum(numbers)), pairs(rng, sum(numbers))
    marked = []
    for mark in statistics.labellings(*numbers):
        order = np.argsort(~mark, kind="stable")
        means = statistics.test_means(values[mark], values[~mark]).p
        marked.append(
            [means.min() <= 0.05, statistics.test_pairs(alike[np.ix_(order, order)], numbers[0]).p.min() <= 0.05]
        )
    assert np.mean(marked, axis=0).max() <= 0.05
    assert np.min(np.sum(marked, axis=0)) > 0


@pytest.mark.parametrize("test", ["means", "pairs"])
def test_a_simulated_null_is_marked_at_most_one_time_in_twenty(test):
    """Five and five trainings of one distribution, 18 depths: a study marks something at any of them in 5 %."""
    rng, repeats, marked = np.random.default_rng(9), 600, 0
    for _ in range(repeats):
        if test == "means":
            p = statistics.test_means(trainings(rng, 5), trainings(rng, 5)).p
        else:
            p = statistics.test_pairs(pairs(rng, 10), 5).p
        marked += p.min() <= 0.05
    assert marked / repeats <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)
    assert marked > 0


def test_a_true_difference_is_found():
    """At one of 18 depths: of four spreads in 4 of 5 studies at that very depth, of two in every tenth and more."""
    rng, repeats = np.random.default_rng(10), 200
    spread = np.std(trainings(rng, 4000), axis=0)
    found, weak, elsewhere = 0, 0, 0
    for _ in range(repeats):
        left, right = trainings(rng, 5), trainings(rng, 5)
        planted = np.zeros(DEPTHS)
        planted[12] = spread[12]
        p = statistics.test_means(left + 4 * planted, right).p
        found += p[12] <= 0.05
        elsewhere += np.delete(p, 12).min() <= 0.05
        weak += statistics.test_means(left + 2 * planted, right).p[12] <= 0.05
    assert found / repeats >= 0.8
    assert 0.1 <= weak / repeats < found / repeats
    assert elsewhere / repeats <= 0.1


def test_pairs_that_agree_less_between_recipes_are_found():
    """By as much as two trainings' agreement varies: in 9 of 10 studies."""
    rng, repeats, found = np.random.default_rng(11), 100, 0
    for _ in range(repeats):
        values = pairs(rng, 10)
        gap = 0.02 * np.linspace(0.5, 1, DEPTHS)
        values[:5, 5:] -= gap
        values[5:, :5] -= gap
        found += statistics.test_pairs(values, 5).p.min() <= 0.05
    assert found / repeats >= 0.9


def test_an_interval_by_student_s_t_is_the_textbook_s():
    values = np.array([1.0, 2, 3, 4, 5, np.nan])
    figure = statistics.student(values)
    half = 2.776445 * np.sqrt(2.5 / 5)  # t(0.975; 4)
    assert (figure["mean"], figure["n"]) == (3, 5)
    assert (figure["low"], figure["high"]) == pytest.approx((3 - half, 3 + half), abs=1e-5)
    assert statistics.student(values, 0.99)["high"] == pytest.approx(3 + 4.604095 * np.sqrt(0.5), abs=1e-5)
    assert statistics.student(values[1:]) is None
