"""Secrets that must be used in clear are sealed with a key that stands apart from the database."""

from __future__ import annotations

import stat
from dataclasses import replace

import pyotp
import pytest

from screening.console.app import build_app
from screening.errors import IntegrityError, SettingsError
from screening.jobs.private import open_to_others
from screening.jobs.users import People, new_secret
from screening.jobs.vault import KEY_VARIABLE, Vault, seal_stored, totp_purpose, unsealed, vault_of
from screening.jobs.webhooks import add_webhook


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path, {})


def enrol(scene, name):
    secret = new_secret()
    People(scene.store, scene.console.settings.login, "test", scene.clock(), scene.console.vault).enrol(name, secret)
    return secret


class TestVault:
    def test_what_was_sealed_comes_back_and_shows_nothing(self, vault):
        sealed = vault.seal("k9-secret", "webhook 1")
        assert "k9-secret" not in sealed
        assert sealed != vault.seal("k9-secret", "webhook 1")
        assert vault.unseal(sealed, "webhook 1") == "k9-secret"

    def test_it_opens_for_nothing_else_and_not_when_changed(self, vault):
        sealed = vault.seal("k9-secret", "webhook 1")
        middle = len(sealed) // 2
        flipped = f"{sealed[:middle]}{'A' if sealed[middle] != 'A' else 'B'}{sealed[middle + 1 :]}"
        for stored, purpose in ((sealed, "webhook 2"), (flipped, "webhook 1"), ("k9-secret", "webhook 1")):
            with pytest.raises(IntegrityError, match="cannot be opened"):
                vault.unseal(stored, purpose)

    def test_the_key_is_a_file_that_only_its_owner_reads(self, vault):
        vault.seal("x", "y")
        assert stat.S_IMODE(vault.key_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(vault.key_file.parent.stat().st_mode) == 0o700
        assert open_to_others(vault.root) == []
        vault.key_file.chmod(0o640)
        assert open_to_others(vault.root) == [vault.key_file]

    def test_a_missing_or_another_key_is_said_and_nothing_is_made_anew(self, vault):
        sealed = vault.seal("x", "y")
        kept = vault.key_file.read_text()
        vault.key_file.unlink()
        with pytest.raises(SettingsError, match="is missing"):
            vault.unseal(sealed, "y")
        assert not vault.key_file.exists()
        vault.seal("another", "z")
        with pytest.raises(SettingsError, match="another key"):
            vault.unseal(sealed, "y")
        assert Vault(vault.root, {KEY_VARIABLE: kept}).unseal(sealed, "y") == "x"
        with pytest.raises(SettingsError, match="is not one"):
            Vault(vault.root, {KEY_VARIABLE: "short"}).unseal(sealed, "y")


class TestInUse:
    def test_the_database_holds_no_secret_in_clear(self, make_scene):
        scene = make_scene()
        secret = enrol(scene, "viewer")
        added = add_webhook(
            scene.store, "https://x.example/", ["case.opened"], "test", scene.clock(), scene.console.vault
        )
        assert unsealed(scene.store) == 0
        scene.store.close()
        stored = b"".join(path.read_bytes() for path in scene.root.glob("winnow.db*"))
        assert secret.encode() not in stored
        assert added.secret.encode() not in stored
        codes = pyotp.TOTP(secret)
        assert scene.browser().sign_in("viewer", code=codes.at(scene.clock())).status_code == 303

    def test_what_an_earlier_winnow_stored_in_clear_is_sealed_at_the_start(self, make_scene):
        scene = make_scene()
        secret, hook_secret = new_secret(), "an-older-secret-of-a-webhook"
        user = scene.store.users.one("viewer")
        scene.store.users.change(replace(user, totp_secret=secret))
        added = add_webhook(scene.store, "https://x.example/", ["case.opened"], "t", scene.clock(), scene.console.vault)
        scene.store.webhooks.keep_secret(added.hook.hook_id, hook_secret)
        assert unsealed(scene.store) == 2
        build_app(scene.workspace, scene.clock, {}).state.console.store.close()
        assert unsealed(scene.store) == 0
        assert scene.console.vault.unseal(scene.store.users.one("viewer").totp_secret, totp_purpose("viewer")) == secret
        assert seal_stored(scene.store, scene.console.vault, scene.clock()) == 0
        (event,) = [one for _, one in scene.store.audit.events("workspace") if one.action == "seal secrets"]
        assert event.details == {"people": 1, "webhooks": 1}
        scene.store.close()
        stored = b"".join(path.read_bytes() for path in scene.root.glob("winnow.db"))
        assert secret.encode() not in stored
        assert hook_secret.encode() not in stored

    def test_nobody_gets_in_without_their_codes_when_the_key_is_gone(self, make_scene):
        scene = make_scene()
        secret = enrol(scene, "viewer")
        vault_of(scene.workspace, {}).key_file.unlink()
        code = pyotp.TOTP(secret).at(scene.clock())
        answer = scene.browser().sign_in("viewer", code=code)
        assert answer.status_code == 500
        assert "key of the sealed secrets is missing" in answer.text
        assert scene.browser().sign_in("viewer").status_code == 500
        assert scene.browser().sign_in("manager").status_code == 303
