"""The site model on two public labelled sets, five-fold, beside a plain logistic regression and the published figures.

    OMP_NUM_THREADS=1 python benchmarks/site_model.py ../shared/data/screening

reads online_shops_dev.csv.gz and phishing_hannousse_dev.csv.gz from that folder, prints the table and writes it to
benchmarks/results/site_model.md; five minutes of one core (`--groups 5`: all facts only, two). Half of each published
set is all that is used. Five folds; three drawings of them for the shops, one for the larger set; both methods get the
same rows and facts, and everything that is fitted is fitted inside a fold. Settings of the model and the choice of
facts were looked at on the same rows (six sets of facts for the shops, 0.938 to 0.950), so the figures flatter a bit.
Folds are drawn by row, as those who published did, and by registrable domain, so that no site is taught and scored. The
interval (95 %) is a bootstrap over domains of correctness averaged over drawings. Facts are added group by group, those
that depend on when the set was collected last. `with the address's letters` gives the site model one more fact: what a
line over hashed runs of two to five letters of the address says. Of the rows that teach, it is said by lines taught on
other domains' rows, so the model learns how far to trust it. Its settings are ordinary ones and were not looked for.
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
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.sites import SiteLessons, fit
from models.sites_address import address_facts

RESULTS = Path(__file__).parent / "results"
FOLDS, DRAWS, SPLITS = 5, 2_000, 50
SHOPS_PUBLISHED, PHISHING_PUBLISHED = 0.969, 0.968
SHOPS_LESSONS = SiteLessons(members=5, trees=100, leaves=8, leaf_rows=6, rate=0.06, facts_part=0.4, ridge=10.0)
PHISHING_LESSONS = SiteLessons(members=1, trees=300, leaves=24, leaf_rows=10, rate=0.07, facts_part=0.25, ridge=10.0)
"""Ordinary values for a small and a middling set."""
SHOPS_DAY = datetime(2023, 8, 16)  # noqa: DTZ001 - the set names no zone
"""The day after the newest registration in the set; ages are counted up to it, not to a day for each row."""
SHOP_PAGE = ("credit card payment", "money back payment", "cash on delivery payment", "crypto currency", "logo URL")
ENDINGS = ("com", "net", "org", "shop", "store", "online", "top", "de", "at", "fr", "nl", "pl", "lt", "eu", "co.uk")
"""Generic endings that shops use, and those of the countries that the set's authors drew from."""
FREE_ISSUERS = ("R3", "E1", "GTS", "Cloudflare")
"""Beginnings of the names of free, automatic issuers in 2023: Let's Encrypt (two), Google, Cloudflare."""
PHISHING_LOOKUPS = (
    "statistical_report",
    "whois_registered_domain",
    "domain_registration_length",
    "domain_age",
    "web_traffic",
    "dns_record",
    "page_rank",
)
LETTERS = "letters of the address"
"""The column that holds the address itself; not a fact, and left out where numbers are wanted."""
LETTER_BINS, LETTER_PENALTY = 1 << 17, 3.0
"""Hash bins, some for each row, and the inverse penalty of the line."""
Method = Callable[[pl.DataFrame, np.ndarray, pl.DataFrame, int], np.ndarray]
_suffixes = tldextract.TLDExtract(suffix_list_urls=(), include_psl_private_domains=False, cache_dir=None)


@dataclass(frozen=True)
class Labelled:
    """A set: `groups` name facts that are added one after the other; `bad` and `domain` have one entry a row."""

    name: str
    published: float
    lessons: SiteLessons
    seeds: int
    groups: tuple[tuple[str, pl.DataFrame], ...]
    bad: np.ndarray
    domain: np.ndarray
    addresses: pl.Series


def shops(path: Path) -> Labelled:
    raw = pl.read_csv(path)
    raw = raw.rename({name: " ".join(name.split()) for name in raw.columns})
    # most dates have a time, some have not, one has dots; "Hidden" and "None" are not known
    written = pl.col("Domain registration date").str.replace_all(".", "-", literal=True)
    registered = pl.coalesce(
        written.str.to_datetime("%Y-%m-%d %H:%M", strict=False), written.str.to_datetime("%Y-%m-%d", strict=False)
    )
    age = (pl.lit(SHOPS_DAY) - registered).dt
    addresses = raw["Online shop URL"]
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
    ).hstack(_certificate(raw["SSL certificate issuer"]))
    return Labelled(
        "online shops",
        SHOPS_PUBLISHED,
        SHOPS_LESSONS,
        3,
        (
            ("address", _home_addresses(addresses).hstack(_endings(addresses))),
            ("and page", page),
            ("and lookups without a date", lookups),
            ("and age of the domain", raw.select(_unknown("Indication of young domain", 2), **_ages(age.total_days()))),
            (
                "and expiry of the certificate",
                raw.select(expiry=(expiry.str.to_datetime("%b %d %H:%M:%S %Y") - pl.lit(SHOPS_DAY)).dt.total_days()),
            ),
        ),
        (raw["Label"] == "fraudulent").to_numpy(),
        _domains(raw["Online shop URL"]),
        addresses,
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
        1,
        (
            ("address", address_facts(raw["url"].to_list())),
            ("and page", raw.select(page)),
            ("and the set's own facts of addresses", raw.select(rest)),
            ("and lookups, with age", raw.select(dated)),
            ("and the search index", raw.select("google_index")),
        ),
        (raw["status"] == "phishing").to_numpy(),
        _domains(raw["url"]),
        raw["url"],
    )


def young_alone(path: Path) -> str:
    """Say how far a single fact of the shops' set goes: the domain was called young when the set was collected."""
    raw = pl.read_csv(path)
    raw = raw.rename({name: " ".join(name.split()) for name in raw.columns})
    right = (raw["Indication of young domain"] == 1) == (raw["Label"] == "fraudulent")
    return f"Calling exactly the domains marked as young fraudulent, without any model: accuracy {right.mean():.3f}."


def given_away(path: Path) -> str:
    """Say how the set writes a missing rating: otherwise for fraudulent shops than for good ones. It is not used."""
    raw = pl.read_csv(path)
    blank, coded = raw["TrustPilot score"].is_null(), raw["TrustPilot score"] == -1
    fraudulent = raw["Label"] == "fraudulent"
    return (
        f"The set writes a rating that is missing as an empty cell for {(blank & fraudulent).sum()} fraudulent and "
        f"{(blank & ~fraudulent).sum()} good shops, as -1 for {(coded & fraudulent).sum()} and "
        f"{(coded & ~fraudulent).sum()}: whoever reads the two apart reads the label. Here both are unknown."
    )


def _kinds(raw: pl.DataFrame, name: str) -> pl.DataFrame:
    return raw.select(pl.col(name).cast(pl.String)).to_dummies()


def _home_addresses(addresses: pl.Series) -> pl.DataFrame:
    """Return the facts of a host: all shops of the set are home pages, and their paths say nothing."""
    facts = address_facts(addresses.to_list())
    return facts.select(name for name in facts.columns if name.startswith(("host", "suffix")))


def _ages(days: pl.Expr) -> dict[str, pl.Expr]:
    """Return the age and how far it lies beyond a year, the shortest time that most domains are paid for, and four."""
    over = {f"age beyond {years} years": (days / (365 * years)).log().clip(0) for years in (1, 4)}
    return {"age": days, **over}


def _endings(addresses: pl.Series) -> pl.DataFrame:
    """Say which of the commonest endings an address has; the list is fixed, not taken from the set."""
    found = [_suffixes(address).suffix for address in addresses]
    return pl.DataFrame({f"ends in .{name}": [ending == name for ending in found] for name in ENDINGS})


def _certificate(issuers: pl.Series) -> pl.DataFrame:
    """Say who vouches for a certificate and how far: issuers that ask for nothing but the domain, or for more."""
    return pl.DataFrame({
        **{f"issued by {name}": issuers.str.starts_with(name) for name in FREE_ISSUERS},
        "paid": ~issuers.str.contains("|".join(f"^{name}" for name in FREE_ISSUERS)),
        "organisation checked": issuers.str.contains(r"\b(?:OV|EV|Organization|Extended)\b"),
    })  # fmt: skip


def _unknown(name: str, code: float) -> pl.Expr:
    """Read a set's code for "not known" as null."""
    return pl.when(pl.col(name) != code).then(pl.col(name)).alias(name)


def _negative_unknown(name: str) -> pl.Expr:
    return pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name)


def _domains(addresses: pl.Series) -> np.ndarray:
    found = (_suffixes(address) for address in addresses)
    return np.array([parts.top_domain_under_public_suffix or parts.domain for parts in found])


def site_model(lessons: SiteLessons) -> Method:
    def scores(taught: pl.DataFrame, bad: np.ndarray, asked: pl.DataFrame, seed: int) -> np.ndarray:
        model = fit(taught.drop(LETTERS), bad, lessons, seed)
        if model is None:
            raise ValueError("too few sites of a label in a fold")
        return model.score(asked)

    return scores


def site_model_with_letters(lessons: SiteLessons) -> Method:
    def scores(taught: pl.DataFrame, bad: np.ndarray, asked: pl.DataFrame, seed: int) -> np.ndarray:
        told = np.empty(len(bad))
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        for others, left_out in folds.split(told, bad, _domains(taught[LETTERS])):
            told[left_out] = _by_letters(taught[LETTERS][others], bad[others], taught[LETTERS][left_out])
        model = fit(taught.drop(LETTERS).with_columns(told=told), bad, lessons, seed)
        if model is None:
            raise ValueError("too few sites of a label in a fold")
        return model.score(asked.with_columns(told=_by_letters(taught[LETTERS], bad, asked[LETTERS])))

    return scores


def _by_letters(taught: pl.Series, bad: np.ndarray, asked: pl.Series) -> np.ndarray:
    """Return the log odds that a line over the addresses' letters gives; scheme and `www.` are left out."""
    runs = HashingVectorizer(analyzer="char", ngram_range=(2, 5), n_features=LETTER_BINS, alternate_sign=False)
    line = make_pipeline(
        runs, TfidfTransformer(sublinear_tf=True), LogisticRegression(C=LETTER_PENALTY, solver="liblinear")
    )
    bare = [one.str.replace("^[a-z]+://(www[.])?", "").str.strip_suffix("/").to_list() for one in (taught, asked)]
    return np.asarray(line.fit(bare[0], bad).decision_function(bare[1]))


def logistic(taught: pl.DataFrame, bad: np.ndarray, asked: pl.DataFrame, seed: int) -> np.ndarray:
    steps = SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression(max_iter=2_000, random_state=seed)
    line = make_pipeline(*steps).fit(taught.drop(LETTERS).cast(pl.Float64).to_numpy(), bad)
    return np.asarray(line.predict_proba(asked.drop(LETTERS).cast(pl.Float64).to_numpy())[:, 1])


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


def one_split(labelled: Labelled) -> str:
    """Say what a single hold-out of a fifth can give: published figures often come from one."""
    facts = _facts(labelled, len(labelled.groups))
    splits = StratifiedShuffleSplit(SPLITS, test_size=1 / FOLDS, random_state=0)
    right = []
    for taught, asked in splits.split(np.zeros(len(labelled.bad)), labelled.bad):
        scores = logistic(facts[taught], labelled.bad[taught], facts[asked], 0)
        right.append(((scores >= 0.5) == labelled.bad[asked]).mean())
    above = np.mean(np.array(right) > labelled.published)
    return (
        f"On one hold-out of a fifth, instead of five folds, plain logistic regression gives {min(right):.3f} to "
        f"{max(right):.3f} over {SPLITS} draws, above the published figure in {above:.0%} of them."
    )


def _facts(labelled: Labelled, count: int) -> pl.DataFrame:
    """Return the first `count` groups of facts, and the addresses."""
    frames = [frame for _, frame in labelled.groups[:count]]
    return pl.concat([*frames, pl.DataFrame({LETTERS: labelled.addresses})], how="horizontal")


def measured(labelled: Labelled, wanted: tuple[int, ...], asked: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Measure the groups of facts whose places are wanted (1 is the first), each with all before it."""
    foldings = [("row", StratifiedKFold), ("domain", StratifiedGroupKFold)]
    if len(set(labelled.domain)) == len(labelled.domain):
        foldings = [("row = domain", StratifiedKFold)]
    methods: dict[str, Method] = {
        "site model": site_model(labelled.lessons),
        "with the address's letters": site_model_with_letters(labelled.lessons),
        "plain logistic regression": logistic,
    }
    for count in wanted:
        facts = _facts(labelled, count)
        for folding, kind in foldings:
            for name, method in ((name, method) for name, method in methods.items() if not asked or name in asked):
                started = time.process_time()
                scores = [out_of_fold(labelled, facts, method, kind, seed) for seed in range(labelled.seeds)]
                yield {
                    "set": labelled.name,
                    "facts": f"{labelled.groups[count - 1][0]} ({facts.width - 1})",
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
    parser.add_argument("--groups", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="how many groups of facts")
    parser.add_argument("--methods", nargs="+", default=[], help="which of the methods in the table; all of them")
    arguments = parser.parse_args()
    shops_path = arguments.folder / "online_shops_dev.csv.gz"
    parts = []
    for labelled in (
        shops(shops_path),
        phishing(arguments.folder / "phishing_hannousse_dev.csv.gz"),
    ):
        rows = []
        for row in measured(labelled, tuple(arguments.groups), tuple(arguments.methods)):
            rows.append(row)
            print(*(f"{value:.3f}" if isinstance(value, float) else value for value in row.values()), flush=True)
        parts.append(written(labelled, rows))
    parts.insert(1, young_alone(shops_path))
    parts.insert(2, given_away(shops_path))
    parts.insert(3, one_split(shops(shops_path)))
    arguments.out.write_text("\n\n".join(["# The site model on two labelled sets", *parts]) + "\n")


if __name__ == "__main__":
    main()
