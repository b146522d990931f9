"""`winnow backlinks import` with files as five tools write them: headers, encodings, dates, faults."""

from __future__ import annotations

import fcntl
import gzip
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from screening.applicants.backlinks.exports import read_export
from screening.applicants.backlinks.links import Backlink, BadRow, Tool
from screening.applicants.backlinks.shelf import Shelf, Source
from screening.cli.app import app
from screening.errors import InputError
from screening.workspace import open_workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

AHREFS = (
    '"Referring page title"\t"Referring page URL"\t"Language"\t"Platform"\t"Referring page HTTP code"\t"Domain rating"'
    '\t"UR"\t"Domain traffic"\t"Target URL"\t"Left context"\t"Anchor"\t"Right context"\t"Type"\t"Nofollow"\t"UGC"'
    '\t"Sponsored"\t"First seen"\t"Last seen"\t"Lost"\n'
    '"On tea"\t"https://blog.tea.org/on?a=1,2"\t"en"\t"wordpress"\t"200"\t"71"\t"12"\t"1,234,567"'
    '\t"https://www.kettle-notes.com/x"\t"see"\t"the ""best"" kettle"\t"now"\t"text"\t"false"\t"false"\t"false"'
    '\t"2024-03-05 10:11:12"\t"2026-11-01 00:00:00"\t""\n'
    '"Forum"\t"https://forum.net/t/1"\t"en"\t""\t"200"\t"5"\t"0"\t"0"\t"https://kettle-notes.com/"\t""\t""\t""\t"text"'
    '\t"true"\t"true"\t"false"\t"2025-01-02"\t""\t"2026-02-03"\n'
)
AHREFS_OLD = (
    '"#","Domain Rating","Referring Page URL","Link URL","TextPre","Link Anchor","TextPost","Type","First Seen",'
    '"Last Check"\n"1","33","http://old.net/a","http://kettle-notes.com/","","kettles","","Nofollow","05 Mar 2017",'
    '"6 Mar 2017"\n'
)
MAJESTIC = (
    "SourceURL,AnchorText,TargetURL,Date,FlagNoFollow,FlagRedirect,FlagFrame,FlagImages,FlagDeleted,FlagAltText,"
    "FlagMention,SourceCitationFlow,SourceTrustFlow,FirstIndexedDate,LastSeenDate,DateLost,ReasonLost,LinkType\n"
    "https://a.net/p,Kettle Notes,https://kettle-notes.com/,2026-10-01,1,0,0,0,0,0,0,12,30,2020-02-29,2026-10-01,,,"
    "TextLink\nhttps://b.net/,,https://kettle-notes.com/,2026-10-01,0,0,0,1,1,0,0,2,0,2021-02-28,2022-01-01,"
    "2022-03-01,Deleted,ImageLink\n"
)
SEMRUSH = (
    "Page ascore,Source title,Source url,Target url,Anchor,External links,Internal links,Nofollow,Sponsored,Ugc,Text,"
    "Frame,Form,Image,Sitewide,First seen,Last seen,New link,Lost link\n"
    '24,"Tea, daily",https://tea-daily.fr/p,https://kettle-notes.com/,bouilloire,9,40,FALSE,TRUE,FALSE,TRUE,FALSE,'
    "FALSE,FALSE,TRUE,2023-05-06 07:08:09,2026-10-10 00:00:00,FALSE,FALSE\n"
)
MOZ = (
    "URL,Title,Anchor Text,Spam Score,PA,DA,Target URL,Link Type,First Discovered,Last Seen\n"
    'moz-source.org/a,T,read more,"1","20","30",kettle-notes.com/,"nofollow, text",2022-01-01,2026-01-01\n'
    'moz-other.org/a,T,read more,"1","20","30",kettle-notes.com/,"follow",2022-01-01,2026-01-01\n'
)
CONSOLE = 'Linking page,Last crawled\nhttps://tea.org/a,"Sep 15, 2026"\nhttps://tea.org/b,2026-09-16\n'
CONSOLE_SITES = 'Site,Linking pages,Target pages\ntea.org,"1,204",12\nforum.net,3,1\n'


def rows_of(tmp_path, text, tool, *, name="export.csv", encoding="utf-8", target=None):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return list(read_export(tmp_path / name, tool, target))


def test_ahrefs_as_it_is_exported_today(tmp_path):
    first, second = rows_of(tmp_path, AHREFS, Tool.AHREFS, encoding="utf-16")
    assert first == Backlink(
        source_site="tea.org",
        target_site="kettle-notes.com",
        source_url="https://blog.tea.org/on?a=1,2",
        target_url="https://www.kettle-notes.com/x",
        anchor='the "best" kettle',
        followed=True,
        first_seen=date(2024, 3, 5),
        last_seen=date(2026, 11, 1),
        lost=False,
    )
    assert (second.followed, second.lost, second.anchor) == (False, True, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_gives_the_same_rows(tmp_path, encoding):
    text = AHREFS.replace("kettle\tnow", "Wasserkocher für Gäste").replace("best", "beste für Gäste")
    plain = rows_of(tmp_path, text, Tool.AHREFS)
    assert rows_of(tmp_path, text, Tool.AHREFS, encoding=encoding) == plain
    assert "für Gäste" in plain[0].anchor
    assert rows_of(tmp_path, gzip.compress(text.encode()), Tool.AHREFS, name="e.csv.gz") == plain


def test_ahrefs_as_it_was(tmp_path):
    (row,) = rows_of(tmp_path, AHREFS_OLD, Tool.AHREFS)
    assert (row.source_site, row.anchor, row.followed) == ("old.net", "kettles", False)
    assert (row.first_seen, row.last_seen) == (date(2017, 3, 5), date(2017, 3, 6))


def test_majestic(tmp_path):
    first, second = rows_of(tmp_path, MAJESTIC, Tool.MAJESTIC)
    assert (first.followed, first.first_seen, first.lost) == (False, date(2020, 2, 29), False)
    assert (second.followed, second.anchor, second.lost) == (True, None, True)


def test_semrush_names_a_sponsored_link_not_followed(tmp_path):
    (row,) = rows_of(tmp_path, SEMRUSH, Tool.SEMRUSH)
    assert (row.source_site, row.followed, row.first_seen) == ("tea-daily.fr", False, date(2023, 5, 6))
    assert rows_of(tmp_path, SEMRUSH.replace("FALSE,TRUE,FALSE", "FALSE,FALSE,FALSE", 1), Tool.SEMRUSH)[0].followed


def test_moz_writes_addresses_without_a_scheme(tmp_path):
    first, second = rows_of(tmp_path, f"Inbound links for kettle-notes.com\nNovember 2026\n\n{MOZ}", Tool.MOZ)
    assert (first.source_url, first.target_site) == ("https://moz-source.org/a", "kettle-notes.com")
    assert (first.followed, second.followed) == (False, True)


@pytest.mark.parametrize(
    ("name", "given", "target"),
    [
        ("export.csv", None, None),
        ("export.csv", "kettle-notes.com", "kettle-notes.com"),
        ("https___www.kettle-notes.com_-Latest links-2026-11-22.csv", None, "kettle-notes.com"),
        ("kettle-notes.co.uk-More sample links-2026-11-22.csv", None, "kettle-notes.co.uk"),
        ("my-links-of-today.csv", None, None),
    ],
)
def test_search_console_says_in_its_name_whose_links_they_are(tmp_path, name, given, target):
    rows = rows_of(tmp_path, CONSOLE, Tool.SEARCH_CONSOLE, name=name, target=given)
    assert {row.target_site for row in rows} == {target}
    assert [row.last_seen for row in rows] == [date(2026, 9, 15), date(2026, 9, 16)]


def test_search_console_linking_sites(tmp_path):
    first, _ = rows_of(tmp_path, CONSOLE_SITES, Tool.SEARCH_CONSOLE, target="kettle-notes.com")
    assert (first.source_site, first.source_url, first.pages) == ("tea.org", None, 1204)


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("2020-02-29", "2021-02-29", "FirstIndexedDate", "not a day"),
        ("2020-02-29", "03/04/2020", "FirstIndexedDate", "not a day"),
        (",1,0,0,0,0", ",perhaps,0,0,0,0", "FlagNoFollow", "neither true nor false"),
        ("https://a.net/p", "", "SourceURL", "is missing"),
        ("https://a.net/p", "mailto:jane@a.net", "SourceURL", "not web sites"),
        ("https://a.net/p", "https://user:pass@a.net/p", "SourceURL", "user name"),
        ("https://a.net/p", "https://a.net/" + "p" * 3000, "SourceURL", "longer than 2048"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field_and_the_others_go_on(tmp_path, old, new, field, problem):
    bad, good = rows_of(tmp_path, MAJESTIC.replace(old, new, 1), Tool.MAJESTIC)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.field) == (2, field)
    assert problem in bad.problem
    assert bad.remedy
    assert isinstance(good, Backlink)


def test_days_that_stand_for_unknown_are_unknown(tmp_path):
    row, _ = rows_of(tmp_path, MAJESTIC.replace("2020-02-29", "1970-01-01", 1), Tool.MAJESTIC)
    assert row.first_seen is None


def test_short_rows_quotes_and_nulls_do_not_end_the_reading(tmp_path):
    header, *lines = SEMRUSH.splitlines()
    text = "\n".join([header, "1,2", *lines, '3,"never closed ' + "x" * 200_000, ""]).replace("Tea,", "Te\0a,")
    rows = rows_of(tmp_path, text, Tool.SEMRUSH)
    assert [type(row).__name__ for row in rows[:2]] == ["BadRow", "Backlink"]
    assert all(isinstance(row, BadRow) for row in rows[2:])


@pytest.mark.parametrize(
    ("text", "tool", "says"),
    [
        (SEMRUSH, Tool.MAJESTIC, "looks like an export of semrush"),
        ("a,b\n1,2\n", Tool.AHREFS, "needs the columns Referring page URL and Target URL"),
        ("", Tool.MOZ, "No line at the top"),
        (b"PK\x03\x04\x00", Tool.AHREFS, "zip archive or a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", Tool.AHREFS, "no text file"),
        (gzip.compress(AHREFS.encode())[:-20], Tool.AHREFS, "cannot be read"),
    ],
)
def test_another_kind_of_file_is_refused_with_a_hint(tmp_path, text, tool, says):
    with pytest.raises(InputError) as refused:
        rows_of(tmp_path, text, tool)
    assert says in str(refused.value)
    assert "export.csv" in str(refused.value)


@given(st.binary(max_size=400), st.sampled_from(list(Tool)))
def test_any_bytes_below_a_header_end_in_rows_or_a_clear_error(tmp_path_factory, data, tool):
    header = {
        Tool.AHREFS: AHREFS,
        Tool.MAJESTIC: MAJESTIC,
        Tool.SEMRUSH: SEMRUSH,
        Tool.MOZ: MOZ,
        Tool.SEARCH_CONSOLE: CONSOLE,
    }[tool].splitlines()[0]
    path = tmp_path_factory.mktemp("any") / "e.csv"
    path.write_bytes(header.encode() + b"\n" + data)
    try:
        rows = list(read_export(path, tool, None))
    except InputError:
        return
    assert all(isinstance(row, BadRow | Backlink) for row in rows)


def run(root, *arguments):
    return CliRunner().invoke(app, ["backlinks", "import", *map(str, arguments), "--workspace", str(root)])


def test_the_command_counts_quarantines_and_repeats_without_change(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(MAJESTIC + "nonsense,,https://kettle-notes.com/\n")
    result = run(tmp_path / "w", file, "--format", "majestic")
    assert result.exit_code == 3
    assert "2 links imported" in result.stdout
    assert "m.csv:4 SourceURL" in result.stdout
    (aside,) = (tmp_path / "w" / "quarantine").glob("backlinks-*.jsonl")
    body = json.loads(aside.read_text())
    assert (body["file"], body["line"], body["field"]) == ("m.csv", 4, "SourceURL")
    assert body["remedy"]
    run(tmp_path / "w", file, "--format", "majestic")
    with Shelf(tmp_path / "w" / "backlinks") as shelf:
        assert len(shelf.links_to("kettle-notes.com", 100)) == 2


def test_links_of_nobody_are_said_to_be_and_given_an_owner_later(tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(CONSOLE)
    first = run(tmp_path / "w", file, "--format", "search-console", "--json")
    assert first.exit_code == 3
    assert json.loads(first.stdout)["unattributed"] == 2
    again = run(tmp_path / "w", file, "--format", "search-console", "--site", "www.kettle-notes.com", "--json")
    assert (again.exit_code, json.loads(again.stdout)["sites"]) == (0, 1)
    with Shelf(tmp_path / "w" / "backlinks") as shelf:
        assert len(shelf.links_to("kettle-notes.com", 100)) == 2


def test_a_file_that_is_mostly_bad_is_refused_whole(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(MAJESTIC + "nonsense,,https://kettle-notes.com/\n" * 200)
    result = run(tmp_path / "w", file, "--format", "majestic")
    assert result.exit_code == 2
    assert "200 of 202 rows" in result.stderr
    with Shelf(tmp_path / "w" / "backlinks") as shelf:
        assert shelf.links_to("kettle-notes.com", 10) == ()


def test_an_import_that_fails_leaves_what_was_there(tmp_path):
    with Shelf(tmp_path) as shelf:
        link = Backlink("tea.org", "kettle-notes.com", "https://tea.org/")
        shelf.keep_links(Source("moz", "a.csv", "1", NOW), [link])

        def failing():
            yield Backlink("other.org", "kettle-notes.com", "https://other.org/")
            raise RuntimeError("killed")

        with pytest.raises(RuntimeError):
            shelf.keep_links(Source("moz", "a.csv", "1", NOW), failing())
        assert shelf.links_to("kettle-notes.com", 10) == (link,)


def test_the_newest_import_tells_of_a_link(tmp_path):
    with Shelf(tmp_path) as shelf:
        old = Backlink("tea.org", "kettle-notes.com", "https://tea.org/", lost=False)
        new = Backlink("tea.org", "kettle-notes.com", "https://tea.org/", lost=True)
        shelf.keep_links(Source("moz", "a.csv", "1", NOW), [old])
        shelf.keep_links(Source("ahrefs", "b.csv", "2", NOW), [new])
        assert shelf.links_to("kettle-notes.com", 10) == (new,)


def test_a_screening_reads_while_an_import_writes(tmp_path):
    link = Backlink("tea.org", "kettle-notes.com", "https://tea.org/")

    def while_reading():
        yield Backlink("other.org", "kettle-notes.com", "https://other.org/")
        with Shelf(tmp_path) as reader:
            assert reader.links_to("kettle-notes.com", 10) == (link,)

    with Shelf(tmp_path) as shelf:
        shelf.keep_links(Source("moz", "a.csv", "1", NOW), [link])
        shelf.keep_links(Source("moz", "b.csv", "2", NOW), while_reading())
        assert len(shelf.links_to("kettle-notes.com", 10)) == 2


def test_a_disavow_file_and_a_ranking(tmp_path):
    (tmp_path / "disavow.txt").write_text(
        "# spam\ndomain:spam.example.net\ndomain:www.farm.net\nhttps://blog.org/one-page\nfarm.org\ndomain:co.uk\n"
    )
    result = run(tmp_path / "w", tmp_path / "disavow.txt", "--format", "disavow")
    assert (result.exit_code, "3 domains are on the list" in result.stdout) == (3, True)
    (tmp_path / "top.csv").write_text("1,google.com\n2,kettle-notes.com\n")
    assert run(tmp_path / "w", tmp_path / "top.csv", "--format", "tranco").exit_code == 0
    with Shelf(tmp_path / "w" / "backlinks") as shelf:
        listed = shelf.disowned(["spam.example.net", "example.net", "farm.net", "farm.org", "blog.org"])
        assert listed == {"spam.example.net", "farm.net", "farm.org"}
        assert (shelf.rank("kettle-notes.com"), shelf.rank("x.com"), shelf.ranking().domains) == (2, None, 2)
    (tmp_path / "top.csv").write_text("domain;rank\n")
    assert run(tmp_path / "w", tmp_path / "top.csv", "--format", "tranco").exit_code == 2
    with Shelf(tmp_path / "w" / "backlinks") as shelf:
        assert shelf.rank("kettle-notes.com") == 2


def test_two_imports_at_once_do_not_mix(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(MAJESTIC)
    workspace = open_workspace(tmp_path / "w")
    with (workspace.root / "locks" / "backlinks.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = run(tmp_path / "w", file, "--format", "majestic")
    assert result.exit_code == 1
    assert "under way" in result.stderr
