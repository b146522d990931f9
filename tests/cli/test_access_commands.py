"""`winnow users` and `winnow keys`: who may use the console and the API, from the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from screening.cli.app import app
from screening.jobs.keys import key_of
from screening.jobs.passwords import matches
from screening.jobs.vault import vault_of
from screening.store import open_store
from screening.workspace import open_workspace

PASSWORD = "a long walk by the sea"


@pytest.fixture
def winnow(tmp_path):
    def call(*words, given=None, fails=0):
        done = CliRunner().invoke(app, [*words, "--workspace", str(tmp_path / "ws"), "--json"], input=given)
        assert done.exit_code == fails, done.output
        return json.loads(done.stdout)

    return call


@pytest.fixture
def store(tmp_path):
    with open_store(open_workspace(tmp_path / "ws", {}).store_url) as opened:
        yield opened


def add(winnow, name="ann", role="admin"):
    return winnow("users", "add", name, "--role", role, "--password-stdin", given=f"{PASSWORD}\n")


def actions(store, subject):
    return [event.action for _, event in store.audit.events(subject)]


class TestUsers:
    def test_a_person_is_added_with_the_password_of_standard_input(self, winnow, store):
        said = add(winnow)
        assert (said["name"], said["role"], said["active"], said["second_factor"]) == ("ann", "admin", True, False)
        assert PASSWORD not in str(said)
        assert matches(PASSWORD, store.users.one("ann").password_hash)
        assert actions(store, "user ann") == ["add user"]

    def test_a_given_password_is_printed_once_and_ends(self, winnow, store):
        said = winnow("users", "add", "bob", "--role", "analyst", "--given")
        assert matches(said["password"], store.users.one("bob").password_hash)
        again = winnow("users", "password", "bob", "--given")
        assert again["password"] != said["password"]
        assert not matches(said["password"], store.users.one("bob").password_hash)
        assert store.users.one("bob").password_until is not None
        winnow("users", "password", "bob", "--password-stdin", given=f"{PASSWORD}\n")
        assert store.users.one("bob").password_until is None
        assert said["password"] not in str(store.audit.events())

    def test_roles_and_doors(self, winnow, store):
        add(winnow)
        add(winnow, "bob", "viewer")
        assert winnow("users", "role", "bob", "manager")["role"] == "manager"
        assert winnow("users", "disable", "bob")["active"] is False
        assert winnow("users", "enable", "bob")["active"] is True
        assert [user["name"] for user in winnow("users", "list")["users"]] == ["ann", "bob"]
        assert actions(store, "user bob") == ["add user", "set role", "disable user", "enable user"]
        assert "last admin" in winnow("users", "disable", "ann", fails=2)["cause"]

    def test_codes_are_sealed_and_can_be_taken_away(self, winnow, store, tmp_path):
        add(winnow)
        uri = winnow("users", "totp", "ann")["uri"]
        stored = store.users.one("ann").totp_secret
        secret = vault_of(open_workspace(tmp_path / "ws", {}), {}).unseal(stored, "one-time codes of ann")
        assert f"secret={secret}" in uri
        assert winnow("users", "totp", "ann", "--off")["second_factor"] is False

    @pytest.mark.parametrize(
        ("words", "given", "cause"),
        [
            (("users", "add", "x y", "--role", "admin", "--password-stdin"), PASSWORD, "not a user name"),
            (("users", "add", "ann", "--role", "root", "--password-stdin"), PASSWORD, "no role"),
            (("users", "add", "ann", "--role", "admin", "--password-stdin"), "short", "letters"),
            (("users", "add", "ann", "--role", "admin"), None, "no terminal"),
            (("users", "role", "zoe", "viewer"), None, "no user"),
        ],
    )
    def test_what_cannot_be_ends_with_status_two_and_says_why(self, winnow, words, given, cause):
        assert cause in winnow(*words, given=given, fails=2)["cause"]


class TestKeys:
    def test_a_key_is_printed_once_and_opens_until_it_is_revoked(self, winnow, store):
        said = winnow("keys", "issue", "payout step", "--scope", "payouts:decide", "--days", "30")
        created = store.keys.one(said["key_id"]).created_at
        assert key_of(store, said["key"], created).scopes == ("payouts:decide",)
        listed = winnow("keys", "list")["keys"]
        assert [key["name"] for key in listed] == ["payout step"]
        assert said["key"].rsplit("_", 1)[-1] not in str(listed)
        winnow("keys", "revoke", said["key_id"])
        assert key_of(store, said["key"], created) is None
        assert "still good" in winnow("keys", "revoke", said["key_id"], fails=2)["cause"]
        assert actions(store, f"key {said['key_id']}") == ["issue key", "revoke key"]

    def test_a_scope_that_does_not_exist_is_refused(self, winnow):
        assert "no scope 'all'" in winnow("keys", "issue", "x", "--scope", "all", fails=2)["cause"]
