"""Evidence: archives that any tool opens, facts that point into them, and nothing believed that was changed."""

from __future__ import annotations

import json

import pytest
from hostile_behaviours import bomb, header_drip, honest_otherwise
from hostile_fixtures import crawl_settings
from hostile_wire import article, site
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from screening.applicants.codes import SiteFlag
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.many import crawl_application
from screening.applicants.evidence.archive import WARC_NAME
from screening.applicants.evidence.facts import FACTS_NAME, load_crawl
from screening.applicants.records import Declared
from screening.errors import IntegrityError

FRAME = b'<iframe src="https://net.com/click?id=7" width="1" height="1"></iframe></body>'
PAGES = {"/": article(links=("/about",)).replace(b"</body>", FRAME), "/about": article(seed="about")}


@pytest.fixture
def crawled(farm, crawler, tmp_path):
    if "kept.net" not in farm.servers:
        farm.add("kept.net", site(PAGES))
    return crawl_application(Declared("app-1", (farm.url("kept.net"),)), crawler, tmp_path), tmp_path / "app-1"


def records(folder):
    with (folder / WARC_NAME).open("rb") as file:
        for record in ArchiveIterator(file):
            yield record.rec_type, record.rec_headers, record.http_headers, record.content_stream().read()


def test_the_archive_holds_every_fetch_and_names_what_was_opened(crawled):
    crawl, folder = crawled
    found = list(records(folder))
    kinds = [kind for kind, *_ in found]
    fetches = [page.fetch for page in (*crawl.sites[0].pages, *crawl.sites[0].others)]
    assert kinds.count("metadata") == len(fetches)
    assert kinds.count("response") == len([one for one in fetches if one.status is not None])
    assert kinds[0] == "warcinfo"
    assert b"guard-opened: crawl.allow_networks" in found[0][3]
    by_id = {headers.get_header("WARC-Record-ID"): body for kind, headers, _, body in found if kind == "response"}
    for fetch in fetches:
        assert by_id[fetch.record_id] == fetch.body
    home = next(headers for _, headers, http, _ in found if http is not None and http.get_statuscode() == "200")
    assert home.get_header("WARC-IP-Address").startswith("127.80.")


def test_the_archive_passes_the_library_check(crawled, capsys):
    _, folder = crawled
    checker = Checker(type("Options", (), {"inputs": [str(folder / WARC_NAME)], "verbose": False})())
    checker.process_all()
    assert checker.exit_value == 0, capsys.readouterr().out


def test_facts_carry_url_snippet_and_record(crawled):
    crawl, folder = crawled
    facts = json.loads((folder / FACTS_NAME).read_text())
    assert facts["openings"] == list(crawl.openings) != []
    assert SiteFlag.GUARD_OPENED in facts["flags"]
    home = facts["sites"][0]["pages"][0]
    assert "body" not in home["fetch"]
    assert home["fetch"]["record_id"] == crawl.sites[0].home.fetch.record_id
    frame = next(one for one in home["facts"]["resources"] if one["tag"] == "iframe")
    assert frame["snippet"] == '<iframe src="https://net.com/click?id=7" width="1" height="1"></iframe>'
    assert home["facts"]["url"] == home["fetch"]["final_url"]


def test_a_crawl_is_read_back_as_it_was(crawled):
    crawl, folder = crawled
    assert load_crawl(folder) == crawl


def test_what_was_changed_is_not_believed(crawled):
    _, folder = crawled
    facts = folder / FACTS_NAME
    good = facts.read_bytes()
    with pytest.raises(IntegrityError, match="differ"):
        load_crawl(folder, "0" * 64)
    facts.write_bytes(good.replace(b"https://net.com/click", b"https://net.com/other"))
    load_crawl(folder)  # nothing but the digest of the journal can tell
    data = json.loads(good)
    data["sites"][0]["pages"][0]["fetch"]["body_digest"] = "0" * 64
    facts.write_text(json.dumps(data))
    with pytest.raises(IntegrityError, match="not the one that was fetched"):
        load_crawl(folder)
    facts.write_bytes(good[: len(good) // 2])
    with pytest.raises(IntegrityError):
        load_crawl(folder)
    facts.write_bytes(good)
    (folder / WARC_NAME).write_bytes(b"not an archive")
    with pytest.raises(IntegrityError):
        load_crawl(folder)
    facts.unlink()
    with pytest.raises(IntegrityError, match="Screen the applicant again"):
        load_crawl(folder)


def test_failed_fetches_are_kept_as_metadata(farm, crawler, tmp_path):
    farm.add("failing.net", honest_otherwise(header_drip))
    crawl = crawl_application(Declared("app-2", (farm.url("failing.net"),)), crawler, tmp_path)
    home = crawl.sites[0].home.fetch
    stories = {
        headers.get_header("WARC-Concurrent-To") or headers.get_header("WARC-Record-ID"): json.loads(body)
        for kind, headers, _, body in records(tmp_path / "app-2")
        if kind == "metadata"
    }
    assert stories[home.record_id]["error"] == home.error == "deadline"
    assert load_crawl(tmp_path / "app-2") == crawl


def test_the_archive_is_bounded_and_says_what_it_cut(farm, trust, tmp_path):
    farm.add("large.net", honest_otherwise(bomb("gzip")))
    settings = crawl_settings(farm, EVIDENCE__APPLICATION_BYTES=100_000)
    with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
        crawl = crawl_application(Declared("app-3", (farm.url("large.net"),)), crawler, tmp_path)
    assert SiteFlag.EVIDENCE_CUT in crawl.flags
    truncated = [headers.get_header("WARC-Truncated") for kind, headers, _, _ in records(tmp_path / "app-3")]
    assert "length" in truncated
    assert sum(len(body) for kind, _, _, body in records(tmp_path / "app-3") if kind == "response") <= 100_000
    again = load_crawl(tmp_path / "app-3")
    assert again.sites[0].home.fetch.body_digest == crawl.sites[0].home.fetch.body_digest


def test_strange_headers_do_not_break_the_archive(farm, crawler, tmp_path):
    def strange(exchange):
        exchange.send(
            b"HTTP/1.1 299 Odd\r\nContent-Type: text/html\r\nX-Caf\xe9: \xff\xfe\r\nX-Fold: a\r\n b\r\nEmpty:\r\n"
            b"Content-Length: 9\r\n\r\n<p>a b c "
        )

    farm.add("odd.net", honest_otherwise(strange))
    crawl = crawl_application(Declared("app-4", (farm.url("odd.net"),)), crawler, tmp_path)
    assert crawl.sites[0].home.fetch.status == 299
    assert load_crawl(tmp_path / "app-4") == crawl
