"""The site model on two public labelled sets, five-fold, beside a plain logistic regression and the published figures.

    OMP_NUM_THREADS=1 python benchmarks/site_model.py ../shared/data/screening

reads online_shops_dev.csv.gz and phishing_hannousse_dev.csv.gz from that folder, prints the table and writes it to
benchmarks/results/site_model.md; two to eight minutes. Half of each published set is all that is used. Five folds,
several seeds; both methods get the same rows and facts. Of the boosted trees' settings three were looked at on the same
rows, which lay within 0.004 of each other. Folds are drawn by row, as those who published did, and by registrable
domain, so that no site is taught and scored. The interval (95 %) is a bootstrap over domains of correctness averaged
over seeds. Facts are added group by group, those that depend on when the set was collected last.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tldextract
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.sites import SiteLessons, fit
from models.sites_address import address_facts

RESULTS = Path(__file__).parent / "results"
FOLDS, SEEDS, DRAWS = 5, 3, 2_000
SHOPS_PUBLISHED, PHISHING_PUBLISHED = 0.969, 0.968
SHOPS_LESSONS = SiteLessons(members=5, trees=100, leaves=8, leaf_rows=6, rate=0.06, facts_part=0.4)
PHISHING_LESSONS = SiteLessons(members=1, trees=200, leaves=31, leaf_rows=15, rate=0.1, facts_part=0.3)
"""Ordinary values for a small and a middling set."""
SHOPS_DAY = datetime(2023, 8, 16)  # noqa: DTZ001 - the set names no zone
"""The day after the newest registration in the set; ages are counted up to it, not to a day for each row."""
SHOP_PAGE = ("credit card payment", "money back payment", "cash on delivery payment", "crypto currency", "logo URL")
PHISHING_LOOKUPS = (
    "statistical_report",
    "whois_registered_domain",
    "domain_registration_length",
    "domain_age",
    "web_traffic",
    "dns_record",
    "page_rank",
)
Method = Callable[[pl.DataFrame, np.ndarray, pl.DataFrame, int], np.ndarray]
_suffixes = tldextract.TLDExtract(suffix_list_urls=(), include_psl_private_domains=False, cache_dir=None)


@dataclass(frozen=True)
class Labelled:
    """A set: `groups` name facts that are added one after the other; `bad` and `domain` have one entry a row."""

    name: str
    published: float
    lessons: SiteLessons
    groups: tuple[tuple[str, pl.DataFrame], ...]
    bad: np.ndarray
    domain: np.ndarray


def shops(path: Path) -> Labelled:
    raw = pl.read_csv(path)
    raw = raw.rename({name: " ".join(name.split()) for name in raw.columns})
    age = (pl.lit(SHOPS_DAY) - pl.col("Domain registration date").str.to_datetime("%Y-%m-%d %H:%M", strict=False)).dt
    expiry = pl.col("SSL certificate expire date").str.replace(" GMT", "").str.replace_all(" +", " ")
    page = raw.select(f"Presence of {name}" for name in SHOP_PAGE).hstack(
        _kinds(raw, "Presence of free contact emails")
    )
    lookups = raw.select(
        _unknown("TrustPilot score", -1),
        _unknown("Tranco List rank", -1),
        "Presence of TrustPilot reviews",
        "Presence of SiteJabber reviews",
        "Presence in the standard Tranco list",
    ).hstack(_kinds(raw, "SSL certificate issuer organization list item"))
    return Labelled(
        "online shops",
        SHOPS_PUBLISHED,
        SHOPS_LESSONS,
        (
            ("address", address_facts(raw["Online shop URL"].to_list())),
            ("and page", page),
            ("and lookups without a date", lookups),
            ("and age of the domain", raw.select(_unknown("Indication of young domain", 2), age=age.total_days())),
            (
                "and expiry of the certificate",
                raw.select(expiry=(expiry.str.to_datetime("%b %d %H:%M:%S %Y") - pl.lit(SHOPS_DAY)).dt.total_days()),
            ),
        ),
        (raw["Label"] == "fraudulent").to_numpy(),
        _domains(raw["Online shop URL"]),
    )


def phishing(path: Path) -> Labelled:
    raw = pl.read_csv(path, infer_schema_length=None)
    start, end = raw.columns.index("nb_hyperlinks"), raw.columns.index("domain_with_copyright")
    page = ["nb_redirection", "nb_external_redirection", *raw.columns[start : end + 1]]
    rest = [name for name in raw.columns[1:-1] if name not in {*page, *PHISHING_LOOKUPS, "google_index"}]
    dated = [_negative_unknown(name) for name in PHISHING_LOOKUPS]
    return Labelled(
        "phishing pages",
        PHISHING_PUBLISHED,
        PHISHING_LESSONS,
        (
            ("address", address_facts(raw["url"].to_list())),
            ("and page", raw.select(page)),
            ("and the set's own facts of addresses", raw.select(rest)),
            ("and lookups, with age", raw.select(dated)),
            ("and the search index", raw.select("google_index")),
        ),
        (raw["status"] == "phishing").to_numpy(),
        _domains(raw["url"]),
    )


def young_alone(path: Path) -> str:
    """Say how far a single fact of the shops' set goes: the domain was called young when the set was collected."""
    raw = pl.read_csv(path)
    raw = raw.rename({name: " ".join(name.split()) for name in raw.columns})
    right = (raw["Indication of young domain"] == 1) == (raw["Label"] == "fraudulent")
    return f"Calling exactly the domains marked as young fraudulent, without any model: accuracy {right.mean():.3f}."


def _kinds(raw: pl.DataFrame, name: str) -> pl.DataFrame:
    return raw.select(pl.col(name).cast(pl.String)).to_dummies()


def _unknown(name: str, code: float) -> pl.Expr:
    """Read a set's code for "not known" as null."""
    return pl.when(pl.col(name) != code).then(pl.col(name)).alias(name)


def _negative_unknown(name: str) -> pl.Expr:
    return pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name)


def _domains(addresses: pl.Series) -> np.ndarray:
    found = (_suffixes(address) for address in addresses)
    return np.array([parts.top_domain_under_public_suffix or parts.domain for parts in found])


def boosted(lessons: SiteLessons) -> Method:
    def scores(taught: pl.DataFrame, bad: np.ndarray, asked: pl.DataFrame, seed: int) -> np.ndarray:
        model = fit(taught, bad, lessons, seed)
        if model is None:
            raise ValueError("too few sites of a label in a fold")
        return model.score(asked)

    return scores


def logistic(taught: pl.DataFrame, bad: np.ndarray, asked: pl.DataFrame, seed: int) -> np.ndarray:
    steps = SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression(max_iter=2_000, random_state=seed)
    line = make_pipeline(*steps).fit(taught.cast(pl.Float64).to_numpy(), bad)
    return np.asarray(line.predict_proba(asked.cast(pl.Float64).to_numpy())[:, 1])


def out_of_fold(labelled: Labelled, facts: pl.DataFrame, method: Method, kind: type, seed: int) -> np.ndarray:
    """Return each row's score by a model that was taught without its fold."""
    scores = np.full(len(labelled.bad), np.nan)
    folds = kind(FOLDS, shuffle=True, random_state=seed)
    groups = labelled.domain if kind is StratifiedGroupKFold else None
    for taught, asked in folds.split(np.zeros(len(scores)), labelled.bad, groups):
        scores[asked] = method(facts[taught], labelled.bad[taught], facts[asked], seed)
    return scores


def judged(labelled: Labelled, scores: list[np.ndarray]) -> dict[str, Any]:
    """Return accuracy at 0.5 with its interval and further figures; a row that is not scored counts as wrong."""
    right = np.array([np.where(np.isnan(one), 0.0, (one >= 0.5) == labelled.bad) for one in scores])
    low, high = _interval(right.mean(axis=0), labelled.domain)
    known = [~np.isnan(one) for one in scores]
    pairs = [(labelled.bad[seen], one[seen]) for seen, one in zip(known, scores, strict=True)]
    return {
        "accuracy": right.mean(),
        "low": low,
        "high": high,
        "seeds": f"{right.mean(axis=1).min():.3f}-{right.mean(axis=1).max():.3f}",
        "AUROC": np.mean([roc_auc_score(truth, one) for truth, one in pairs]),
        "Brier": np.mean([brier_score_loss(truth, one) for truth, one in pairs]),
        "good called bad": np.mean([(one[~truth] >= 0.5).mean() for truth, one in pairs]),
        "unknown": 1 - np.mean(known),
    }


def _interval(right: np.ndarray, domain: np.ndarray) -> tuple[float, float]:
    _, group = np.unique(domain, return_inverse=True)
    total, rows = np.bincount(group, right), np.bincount(group)
    drawn = np.random.default_rng(0).integers(0, len(rows), (DRAWS, len(rows)))
    means = total[drawn].sum(axis=1) / rows[drawn].sum(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def measured(labelled: Labelled) -> Iterator[dict[str, Any]]:
    foldings = [("row", StratifiedKFold), ("domain", StratifiedGroupKFold)]
    if len(set(labelled.domain)) == len(labelled.domain):
        foldings = [("row = domain", StratifiedKFold)]
    methods: dict[str, Method] = {"boosted trees": boosted(labelled.lessons), "logistic regression": logistic}
    for count in range(1, len(labelled.groups) + 1):
        facts = pl.concat([frame for _, frame in labelled.groups[:count]], how="horizontal")
        for folding, kind in foldings:
            for name, method in methods.items():
                started = time.process_time()
                scores = [out_of_fold(labelled, facts, method, kind, seed) for seed in range(SEEDS)]
                yield {
                    "set": labelled.name,
                    "facts": f"{labelled.groups[count - 1][0]} ({facts.width})",
                    "folds by": folding,
                    "method": name,
                    **judged(labelled, scores),
                    "CPU s": time.process_time() - started,
                }


def written(labelled: Labelled, rows: list[dict[str, Any]]) -> str:
    heads = list(rows[0])[1:]
    lines = [
        f"## {labelled.name.capitalize()}",
        "",
        f"{len(labelled.bad):,} rows, {labelled.bad.mean():.1%} bad, {len(set(labelled.domain)):,} registrable domains."
        f" Published on the whole set: accuracy {labelled.published:.3f}.",
        "",
        "| " + " | ".join(heads) + " |",
        "|---" * len(heads) + "|",
    ]
    for row in rows:
        cells = (f"{value:.3f}" if isinstance(value, float) else str(value) for value in list(row.values())[1:])
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS / "site_model.md")
    arguments = parser.parse_args()
    shops_path = arguments.folder / "online_shops_dev.csv.gz"
    parts = []
    for labelled in (
        shops(shops_path),
        phishing(arguments.folder / "phishing_hannousse_dev.csv.gz"),
    ):
        rows = []
        for row in measured(labelled):
            rows.append(row)
            print(*(f"{value:.3f}" if isinstance(value, float) else value for value in row.values()), flush=True)
        parts.append(written(labelled, rows))
    parts.insert(1, young_alone(shops_path))
    arguments.out.write_text("\n\n".join(["# The site model on two labelled sets", *parts]) + "\n")


if __name__ == "__main__":
    main()
