"""Every server behaviour of the shared catalogue has a test here that runs it on a real loopback socket."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CATALOGUE = HERE.parents[1].parent / "shared" / "data" / "screening" / "hostile_servers.json"

REDIRECTS, SIZES, TIMES, TLS, PAGES, TRAPS = (
    f"test_hostile_{part}.py" for part in ("redirects", "sizes", "times", "tls", "pages", "traps")
)
TESTED_BY = {
    **dict.fromkeys(
        ("S001", "S002", "S003", "S004", "S005"),
        (REDIRECTS, "test_redirect_to_a_private_address_is_blocked_with_its_chain"),
    ),
    **dict.fromkeys(("S006", "S007"), (REDIRECTS, "test_redirect_loop_and_long_chain_end_at_the_limit")),
    **dict.fromkeys(("S008", "S009", "S010"), (REDIRECTS, "test_strange_locations_are_refused")),
    "S011": (REDIRECTS, "test_location_of_a_megabyte_is_an_error"),
    "S012": (REDIRECTS, "test_two_locations_are_refused"),
    "S013": (REDIRECTS, "test_moves_inside_a_page_are_recorded_and_not_followed_to_private_addresses"),
    "S014": (REDIRECTS, "test_downgrade_from_https_is_allowed_and_said"),
    "S015": (REDIRECTS, "test_redirect_of_another_page_to_another_site_is_recorded_and_not_followed"),
    "S016": (REDIRECTS, "test_body_of_a_redirect_is_never_read"),
    "S017": (REDIRECTS, "test_cookies_do_not_travel_to_another_site"),
    **dict.fromkeys(("S018", "S020"), (SIZES, "test_bombs_stop_at_the_cap_without_taking_memory")),
    "S019": (SIZES, "test_encodings_laid_over_each_other_are_an_error"),
    "S021": (SIZES, "test_a_declared_length_beyond_the_cap_is_said_before_reading"),
    "S022": (SIZES, "test_endless_chunks_stop_at_the_cap"),
    "S023": (SIZES, "test_a_flood_of_chunk_extensions_ends"),
    "S024": (SIZES, "test_a_body_that_is_not_as_long_as_announced_is_flagged"),
    "S025": (SIZES, "test_a_plain_body_announced_as_gzip_is_kept_as_it_came"),
    "S026": (SIZES, "test_fifty_megabytes_of_text_are_cut"),
    "S027": (TIMES, "test_a_server_that_never_answers"),
    "S028": (TIMES, "test_dripped_headers_end_at_the_deadline"),
    "S029": (TIMES, "test_a_dripped_body_ends_at_the_deadline_and_keeps_what_came"),
    "S030": (TIMES, "test_a_tarpit_costs_no_more_than_the_budget_of_its_site"),
    "S031": (TIMES, "test_continue_flood_is_bounded"),
    "S032": (TIMES, "test_floods_of_headers_are_errors"),
    "S033": (TIMES, "test_what_is_not_http_is_an_error"),
    "S034": (SIZES, "test_a_reset_inside_the_body_keeps_what_came"),
    "S035": (TIMES, "test_a_connection_is_not_used_again_after_a_deadline"),
    "S036": (TLS, "test_http2_only_and_refused_protocols_are_errors"),
    "S037": (TLS, "test_bad_certificates_are_named_and_what_visitors_see_is_kept"),
    "S038": (TLS, "test_a_thousand_names_and_a_long_chain_are_bounded"),
    "S039": (TLS, "test_a_server_that_asks_for_a_certificate_gets_none"),
    "S040": (TIMES, "test_a_dripped_handshake_ends"),
    "S041": (PAGES, "test_encodings_are_found_as_browsers_do"),
    "S042": (PAGES, "test_broken_bytes_never_raise"),
    "S043": (PAGES, "test_deep_nesting_loses_no_text"),
    "S044": (PAGES, "test_a_hundred_thousand_attributes_are_stripped"),
    "S045": (PAGES, "test_fifty_thousand_options_are_dropped"),
    "S046": (PAGES, "test_three_hundred_thousand_links_are_cut"),
    "S047": (PAGES, "test_bad_jsonld_is_contained"),
    "S048": (PAGES, "test_entities_are_never_expanded"),
    "S049": (PAGES, "test_files_that_claim_to_be_html_are_not_parsed"),
    "S050": (PAGES, "test_html_without_a_type_is_recognised"),
    "S051": (TRAPS, "test_an_endless_calendar_is_visited_three_times_at_most"),
    "S052": (TRAPS, "test_repeating_segments_are_a_trap"),
    "S053": (TRAPS, "test_session_ids_in_links_do_not_multiply_pages"),
    "S054": (TRAPS, "test_the_same_page_everywhere_is_a_soft_404_and_ends"),
    "S055": (TRAPS, "test_sitemaps_are_read_as_far_as_the_bounds_go"),
    "S056": (TRAPS, "test_wildcard_subdomains_stay_within_three_hosts"),
    "S057": (TRAPS, "test_unique_text_everywhere_ends_at_the_page_budget"),
    "S058": (TRAPS, "test_the_status_of_robots_decides_as_the_rfc_says"),
    "S059": (TRAPS, "test_robots_that_costs_too_much_counts_as_unreachable"),
    "S060": (TRAPS, "test_an_endless_crawl_delay_leaves_the_home_page"),
    "S061": (TRAPS, "test_pages_that_depend_on_the_visitor_are_recorded"),
}


@pytest.mark.parametrize("file", sorted({file for file, _ in TESTED_BY.values()}))
def test_the_named_tests_are_there(file):
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {name for other, name in TESTED_BY.values() if other == file} <= there


def test_every_behaviour_of_the_catalogue_is_tested():
    if not CATALOGUE.exists():
        pytest.skip("the shared data are not here")
    assert {case["id"] for case in json.loads(CATALOGUE.read_text())} == set(TESTED_BY)
