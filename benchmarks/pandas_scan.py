"""The scan that a data scientist would write with pandas, scikit-learn and PyOD: no loops over rows.

Comparable in what it looks at (times from click to conversion, repetition, address and agent classes, hours, diversity,
rates, each against its offer) and in what it gives: a score, reasons by rule and a decision for every conversion in
SQLite, and scored sources. It takes in no late outcome, keeps no evidence, bounds no mistake, and cannot be replayed.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import crawleruseragents
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest

SOURCE = ["affiliate_id", "offer_id", "sub_id"]
CLICKS = ["ts", *SOURCE, "click_id", "ip", "user_agent", "device_id", "country", "referrer"]
TEXTS = [name for name in CLICKS if name not in ("ts", "click_id")]
HELD = 0.02
"""Part of the conversions that is held on its score."""


def scan_with_pandas(events: Path, lists: Path, database: Path) -> dict[str, int]:
    """Read, compute features, score, decide, store."""
    clicks = _read(events / "clicks", CLICKS)
    conversions = pq.read_table(events / "conversions").to_pandas()
    conversions["sub_id"] = conversions["sub_id"].fillna("")
    addresses = _addresses(pd.concat([_values(clicks["ip"]), conversions["ip"].dropna()]).unique(), lists)
    agents = _agents(pd.concat([_values(clicks["user_agent"]), conversions["user_agent"].dropna()]).unique())
    sources = _click_features(clicks, addresses, agents)
    rows = _conversion_features(conversions, clicks, addresses, agents)
    sources = sources.join(_sold(rows), how="outer").fillna(0.0)
    sources["rate"] = np.log((sources["sold"] + 1) / (sources["clicks"] + 20))
    sources = _against_offer(sources)
    sources["score"] = _scored(IForest(n_jobs=2, random_state=0), sources)
    own = rows.select_dtypes("number").drop(columns=["payout_amount"])
    joined = own.join(sources.reindex(pd.MultiIndex.from_frame(rows[SOURCE])).reset_index(drop=True))
    score = _scored(ECOD(), joined)
    decisions = _decided(rows, score)
    with sqlite3.connect(database) as connection:
        decisions.to_sql("decisions", connection, if_exists="replace", index=False, chunksize=50_000)
        sources[["clicks", "sold", "score"]].reset_index().to_sql("sources", connection, if_exists="replace")
    return {"conversions": len(decisions), "sources": len(sources), "features": joined.shape[1]}


def _read(folder: Path, columns: list[str]) -> pd.DataFrame:
    """Read text as categories, which is what makes pandas fast here."""
    frame = pq.read_table(folder, columns=columns, read_dictionary=TEXTS).unify_dictionaries().to_pandas()
    frame["sub_id"] = frame["sub_id"].cat.add_categories([""]).fillna("")
    return frame


def _values(column: pd.Series) -> pd.Series:
    return pd.Series(column.cat.categories)


def _addresses(addresses: np.ndarray, lists: Path) -> pd.DataFrame:
    """Class each distinct IPv4 address by sorted lists of ranges, the same files that winnow reads."""
    octets = pd.Series(addresses).str.split(".", expand=True).astype("int64")
    number = (octets * [1 << 24, 1 << 16, 1 << 8, 1]).sum(axis=1).to_numpy()
    found = {"ip": addresses}
    for converted in sorted(lists.glob("*.parquet")):
        ranges = pd.read_parquet(converted)
        ranges = ranges[ranges["version"] == 4].sort_values("start_low")
        place = np.searchsorted(ranges["start_low"].to_numpy(), number, side="right") - 1
        inside = (place >= 0) & (number <= ranges["end_low"].to_numpy()[place])
        for column in {"country", "as_name", "ip_class"} & set(ranges.columns):
            value = np.where(inside, ranges[column].to_numpy()[place], None)
            found[column] = value if column not in found else np.where(found[column] == None, value, found[column])  # noqa: E711
    table = pd.DataFrame(found).set_index("ip")
    name = table["as_name"].astype("string").str.lower().fillna("")
    table["hosting"] = name.str.contains("hosting|cloud|server|datacenter|amazon|google|hetzner|ovh", regex=True)
    if "ip_class" in table:
        table["hosting"] |= table["ip_class"].eq("hosting")
    return table[["country", "hosting"]]


def _agents(agents: np.ndarray) -> pd.DataFrame:
    text = pd.Series(agents, dtype="string")
    bots = re.compile("|".join(f"(?:{entry['pattern']})" for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA))
    major = text.str.extract(r"(?:Chrome|Firefox|Version)/(\d+)")[0].astype("float64")
    flags = {
        "bot": text.map(lambda agent: bots.search(agent) is not None).astype(bool),
        "library": text.str.contains("python|curl|java/|okhttp|go-http", case=False, regex=True),
        "phone": text.str.contains("Mobile|Android|iPhone", regex=True),
        "old": (major < major.quantile(0.9) - 12).fillna(value=False),
    }
    return pd.DataFrame({name: flag.to_numpy(dtype=bool) for name, flag in flags.items()}, index=agents)


def _flags(frame: pd.DataFrame, addresses: pd.DataFrame, agents: pd.DataFrame) -> pd.DataFrame:
    place = addresses.index.get_indexer(frame["ip"].cat.categories)[frame["ip"].cat.codes]
    agent = agents.index.get_indexer(frame["user_agent"].cat.categories)[frame["user_agent"].cat.codes]
    missing = frame["user_agent"].cat.codes.to_numpy() < 0
    country = addresses["country"].astype("category").cat.set_categories(frame["country"].cat.categories)
    flags = {
        "hosting": addresses["hosting"].to_numpy()[place],
        "country_differs": country.cat.codes.to_numpy()[place] != frame["country"].cat.codes.to_numpy(),
        "no_device": frame["device_id"].cat.codes.to_numpy() < 0,
        "no_referrer": frame["referrer"].cat.codes.to_numpy() < 0,
    }
    flags |= {name: agents[name].to_numpy()[agent] & ~missing for name in agents}
    return pd.DataFrame(flags)


def _click_features(clicks: pd.DataFrame, addresses: pd.DataFrame, agents: pd.DataFrame) -> pd.DataFrame:
    flags = _flags(clicks, addresses, agents).astype("float32")
    hour = clicks["ts"].dt.hour
    for eighth in range(8):
        flags[f"hours{eighth}"] = (hour // 3 == eighth).astype("float32").to_numpy()
    keys = [clicks[name] for name in SOURCE]
    group = clicks.groupby(SOURCE, observed=True, sort=False)
    features = flags.groupby(keys, observed=True, sort=False).mean()
    features["clicks"] = group.size()
    day = (clicks["ts"].astype("int64") // 86_400_000_000).to_numpy()
    number = group.ngroup().to_numpy()
    for name in ("ip", "user_agent", "device_id", "country"):
        codes = clicks[name].cat.codes.to_numpy()
        within = pd.DataFrame({"group": number, "day": day, "code": codes}).drop_duplicates()
        distinct = within[within["code"] >= 0].groupby("group").size()
        count = distinct.reindex(range(len(features)), fill_value=0).to_numpy()
        features[f"again_{name}"] = 1 - count / features["clicks"].to_numpy()
    return features.astype("float64")


def _conversion_features(
    conversions: pd.DataFrame, clicks: pd.DataFrame, addresses: pd.DataFrame, agents: pd.DataFrame
) -> pd.DataFrame:
    rows = conversions.copy()
    claimed = clicks[clicks["click_id"].isin(rows["click_id"].dropna())].drop_duplicates("click_id")
    claimed = claimed.set_index("click_id")[["ts", "ip", "user_agent", "device_id"]].astype({"ip": str})
    joined = rows[["click_id"]].join(claimed, on="click_id")
    lag = (rows["ts"] - joined["ts"].fillna(rows["click_ts"])).dt.total_seconds()
    rows["log_lag"] = np.log(lag.clip(lower=0) + 0.5)
    for limit in (5, 15, 60):
        rows[f"under_{limit}s"] = (lag < limit).astype("float64")
    for limit in (3600, 86_400):
        rows[f"over_{limit}s"] = (lag > limit).astype("float64")
    rows["before_click"] = (lag < 0).astype("float64")
    rows["late"] = (lag > 30 * 86_400).astype("float64")
    rows["click_unknown"] = (joined["ts"].isna() & rows["click_id"].notna()).astype("float64")
    rows["ip_differs"] = (joined["ip"].notna() & (joined["ip"] != rows["ip"])).astype("float64")
    for name in ("ip", "device_id", "customer_id", "order_id", "click_id"):
        rows[f"{name}_uses"] = np.log1p(rows.groupby(["affiliate_id", name])[name].transform("size")).fillna(0.0)
        if name in ("ip", "device_id", "customer_id"):
            rows[f"{name}_partners"] = np.log1p(rows.groupby(name)["affiliate_id"].transform("nunique")).fillna(0.0)
    minute = rows["ts"].dt.floor("min")
    rows["same_minute"] = (rows.groupby(["affiliate_id", "offer_id", minute])["ts"].transform("size") > 1).astype(float)
    rows["weekend"] = (rows["ts"].dt.dayofweek >= 5).astype("float64")
    rows["conversion_hosting"] = addresses["hosting"].reindex(rows["ip"]).fillna(value=False).to_numpy(dtype=float)
    agent = agents.reindex(rows["user_agent"].fillna(joined["user_agent"].astype(object)))
    for name in agents:
        rows[f"conversion_{name}"] = agent[name].eq(True).to_numpy(dtype=float)  # noqa: FBT003 - unknown is not true
    rows["log_revenue"] = np.log(rows["revenue"].astype("float64").clip(lower=0.01))
    rows["payout_amount"] = rows["payout"].astype("float64")
    for name in ("log_lag", "log_revenue"):
        by_offer = rows.groupby("offer_id")[name]
        rows[f"{name}_z"] = ((rows[name] - by_offer.transform("mean")) / by_offer.transform("std")).fillna(0.0)
    return rows.fillna({"log_lag": rows["log_lag"].median()})


def _sold(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = [name for name in rows.select_dtypes("number") if name != "payout_amount"]
    group = rows.groupby(SOURCE)
    sold = group[numbers].mean().add_prefix("sold_")
    sold["sold_log_lag_std"] = group["log_lag"].std()
    sold["sold_log_revenue_std"] = group["log_revenue"].std()
    sold["sold"] = group.size()
    return sold


def _against_offer(sources: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in sources if name not in ("clicks", "sold")]
    by_offer = sources.groupby(level="offer_id")[columns]
    centred = (sources[columns] - by_offer.transform("median")) / (by_offer.transform("std") + 1e-3)
    return sources[["clicks", "sold"]].join(centred.fillna(0.0))


def _scored(detector: object, frame: pd.DataFrame) -> np.ndarray:
    values = np.nan_to_num(frame.to_numpy(dtype="float32"))
    detector.fit(values)  # type: ignore[attr-defined]
    scores = np.asarray(detector.decision_scores_)  # type: ignore[attr-defined]
    return scores.argsort().argsort() / len(scores)


def _decided(rows: pd.DataFrame, score: np.ndarray) -> pd.DataFrame:
    duplicate = rows.duplicated(["offer_id", "order_id", "event"]) & rows["order_id"].notna()
    rules = {
        "duplicate_order": duplicate,
        "click_after_conversion": rows["before_click"] > 0,
        "window_breach": rows["late"] > 0,
        "declared_bot": rows["conversion_bot"] > 0,
        "click_unknown": rows["click_unknown"] > 0,
    }
    reasons = pd.Series("", index=rows.index)
    for code, hit in rules.items():
        reasons = reasons.where(~hit, reasons + code + ";")
    held = score > 1 - HELD
    reasons = reasons.where(~held, reasons + "unlike_programme;")
    decision = np.where(duplicate | (rows["before_click"] > 0), "reject", np.where(reasons != "", "hold", "pay"))
    kept = ["conversion_id", "affiliate_id", "offer_id", "sub_id", "currency"]
    decisions = rows[kept].assign(payout=rows["payout_amount"], ts=rows["ts"].astype(str))
    return decisions.assign(decision=decision, score=score, reasons=reasons)
