"""Candidates side by side: the numbers by hand, the law that made the data found, bad input."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_mle import MLEClassifier, MLERegressor, compare
from sklearn_mle.noises import Gaussian, Laplace


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    return X, X @ [1.0, 2.0, 3.0] + rng.laplace(size=300), rng.integers(0, 4, size=300)


def test_the_table_holds_what_the_estimators_say(data):
    X, y, _ = data
    result = compare(["gaussian", "laplace"], X, y)
    assert result.table["candidate"].tolist() == ["laplace", "gaussian"]
    assert result.best_ == "laplace"
    for row in result.table:
        model = MLERegressor(noise=str(row["candidate"])).fit(X, y)
        assert row["log_likelihood"] == pytest.approx(model.log_likelihood_, rel=1e-12)
        assert row["n_parameters"] == 5
        assert row["aic"] == pytest.approx(model.aic(X, y), rel=1e-12)
        assert row["bic"] == pytest.approx(model.bic(X, y), rel=1e-12)
        assert np.isnan(row["held_out"]) and np.isnan(row["held_out_se"])
    evidence = np.exp(-0.5 * (result.table["aic"] - result.table["aic"].min()))
    assert result.table["akaike_weight"] == pytest.approx(evidence / evidence.sum(), rel=1e-12)
    fit = result.estimators_[result.best_]
    assert np.array_equal(fit.coef_, MLERegressor(noise="laplace").fit(X, y).coef_)


def test_vuong_is_the_z_test_of_the_mean_difference(data):
    X, y, _ = data
    row = compare(["gaussian", "laplace"], X, y).table[1]
    gain = np.subtract(
        *(MLERegressor(noise=name).fit(X, y).log_prob(X, y) for name in ("laplace", "gaussian"))
    )
    z = gain.sum() / np.sqrt(300 * gain.var())
    assert row["vuong_z"] == pytest.approx(z, rel=1e-10)
    assert row["vuong_p"] == pytest.approx(2 * stats.norm.sf(z), rel=1e-10)


def test_small_p_values_are_shown_as_infer_shows_them():
    rng = np.random.default_rng(1)
    result = compare(["gaussian", "laplace"], np.zeros((4000, 1)), rng.laplace(size=4000))
    assert result.table["vuong_p"][1] < 0.0005
    assert str(result).split()[-1] == "<0.001"
    assert "<td>&lt;0.001</td>" in result._repr_html_()


def test_parameters_beyond_the_other_fit_are_charged_for(data):
    X, y, _ = data
    wide = make_pipeline(PolynomialFeatures(2, include_bias=False), MLERegressor(noise="laplace"))
    result = compare({"wide": wide, "narrow": MLERegressor(noise="laplace")}, X, y)
    best, other = result.table
    assert (result.best_, best["n_parameters"], other["n_parameters"]) == ("narrow", 5, 11)
    assert best["log_likelihood"] < other["log_likelihood"]
    gain = MLERegressor(noise="laplace").fit(X, y).log_prob(X, y)
    gain = gain - wide.fit(X, y)[-1].log_prob(wide.fit(X, y)[:-1].transform(X), y)
    z = (gain.sum() + 3 * np.log(300)) / np.sqrt(300 * gain.var())
    assert other["vuong_z"] == pytest.approx(z, rel=1e-8)


def test_weights_are_repeats(data):
    X, y, w = data
    folds = KFold(3)
    groups = np.array_split(np.arange(300), 3)
    weighted = compare(["gaussian", "laplace"], X, y, sample_weight=w, cv=folds)
    again = np.repeat(np.arange(300), w)
    splits = [
        (np.flatnonzero(~np.isin(again, test)), np.flatnonzero(np.isin(again, test)))
        for test in groups
    ]
    repeated = compare(["gaussian", "laplace"], X[again], y[again], cv=splits)
    assert weighted.n_rows == repeated.n_rows == w.sum()
    for name in weighted.table.dtype.names[1:]:
        assert weighted.table[name] == pytest.approx(repeated.table[name], rel=1e-8, nan_ok=True)


def test_held_out_rows_are_those_of_the_splits(data):
    X, y, _ = data
    model = make_pipeline(StandardScaler(), MLERegressor()).fit(X, y)
    result = compare({"one": model, "two": MLERegressor(noise="laplace")}, X, y, cv=4)
    logs = []
    for train, test in KFold(4).split(X):
        fit = clone(model).fit(X[train], y[train])
        logs.append(fit[-1].log_prob(fit[:-1].transform(X[test]), y[test]))
    logs = np.concatenate(logs)
    row = result.table[result.table["candidate"] == "one"][0]
    assert row["held_out"] == pytest.approx(logs.mean(), rel=1e-12)
    assert row["held_out_se"] == pytest.approx(logs.std(ddof=1) / np.sqrt(300), rel=1e-12)
    assert result.criterion == "held_out" and result.best_ == "two"


def test_the_law_that_made_the_data_is_found():
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1000, 2))
        noise = rng.normal(size=1000) if seed % 2 else rng.laplace(size=1000)
        result = compare([Gaussian(), Laplace()], X, X.sum(axis=1) + noise)
        found += result.best_ == ("Gaussian()" if seed % 2 else "Laplace()")
    assert found == 20


def test_classes_and_weighted_pipelines_compare(data):
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], y[50:]
    candidates = {
        "all": MLEClassifier(),
        "sepals": make_pipeline(StandardScaler(), MLEClassifier()),
    }
    weight = np.where(y == 1, 2.0, 1.0)
    result = compare(candidates, X, y, sample_weight=weight, cv=5)
    assert result.table["log_likelihood"][0] == pytest.approx(
        MLEClassifier().fit(X, y, sample_weight=weight).log_likelihood_, rel=1e-9
    )
    assert np.isnan(result.table["vuong_z"][1])


def test_plain_laws_of_scipy_are_candidates(data):
    X, y = data[:2]
    laws = [stats.gumbel_l, stats.gumbel_r(), "gumbel"]
    found = compare(laws, X, y)
    names = found.table["candidate"].tolist()
    assert sorted(names) == ["FromScipy(gumbel_l)", "Gumbel()", "gumbel"]
    by_name = dict(zip(names, found.table["log_likelihood"]))
    assert by_name["Gumbel()"] == pytest.approx(by_name["gumbel"], rel=1e-9)


def test_a_fit_through_every_row_takes_all_the_evidence():
    X = np.arange(12.0).reshape(6, 2) ** 2
    with pytest.warns(UserWarning):
        result = compare(["gaussian", "laplace"], X, np.ones(6))
    assert np.all(result.table["log_likelihood"] == np.inf)
    assert result.table["akaike_weight"].tolist() == [0.5, 0.5]
    assert "inf" in repr(result)


def test_it_reads_well_as_text_as_html_and_as_a_frame(data):
    X, y, _ = data
    plain = compare(["gaussian", "laplace"], X, y)
    title, blank, head, *rows = repr(plain).splitlines()
    assert title == "2 candidates on 300 rows, best first by BIC" and not blank
    assert head.split()[:3] == ["candidate", "log-likelihood", "parameters"]
    assert [row.split()[0] for row in rows] == ["laplace", "gaussian"]
    assert len({len(line) for line in (head, *rows)}) == 1
    assert "held-out" not in head
    assert "held-out" in repr(compare(["gaussian", "laplace"], X, y, cv=3))
    page = compare({"<b>": "laplace", "&": "gaussian"}, X, y)._repr_html_()
    assert "&lt;b&gt;" in page and "&amp;" in page and page.count("<tr>") == 3
    frame = plain.to_frame()
    assert frame.index.tolist() == ["laplace", "gaussian"]
    assert frame.loc["laplace", "bic"] == plain.table["bic"][0]


@pytest.mark.parametrize(
    ("candidates", "error", "message"),
    [
        ([], ValueError, r"at least one.*got none.*Pass two"),
        ("gaussian", TypeError, r"must be a list.*got 'gaussian'.*Pass for example"),
        (["laplace", "laplace"], ValueError, r"different; got 'laplace' twice. Remove one"),
        (["laplacian"], ValueError, r"got 'laplacian'. Did you mean 'laplace'"),
        ({"ols": LinearRegression()}, TypeError, r"log_prob.*got LinearRegression as 'ols'.*Use"),
    ],
)
def test_bad_candidates_are_refused(data, candidates, error, message):
    X, y, _ = data
    with pytest.raises(error, match=message):
        compare(candidates, X, y)
