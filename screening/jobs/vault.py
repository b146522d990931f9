"""Seals secrets that must be used in clear, such as those of one-time codes, so that a copy of the database tells none.

The key stands apart from the database: in the variable WINNOW_SECRETS_KEY, or else in `secrets/vault.key` of the
workspace, which only its owner can read and which no backup holds. AES-256-GCM, with what the secret is for as
associated data: a sealed secret moved to another row cannot be opened there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from screening.errors import IntegrityError, SettingsError, WinnowError
from screening.jobs.private import make_private, read_private, secrets_folder
from screening.store import AuditEvent, Store
from screening.workspace import Workspace

KEY_VARIABLE = "WINNOW_SECRETS_KEY"
KEY_NAME = "vault.key"
_MARK = "sealed1:"
_KEY_BYTES = 32
_NONCE_BYTES = 12
"""96 bits at random, as NIST SP 800-38D recommends; a key seals a handful of secrets, so none comes twice."""
_ID_LETTERS = 8
_LOST = (
    "Put the key back that was there, or set these secrets anew: `winnow users totp NAME --off`, then on again; "
    "`winnow webhooks remove`, then add."
)


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens secrets with the key of one workspace, whose folder is `root`."""

    root: Path
    environment: Mapping[str, str]

    @property
    def key_file(self) -> Path:
        """Where the key is, unless the variable holds it."""
        return secrets_folder(self.root) / KEY_NAME

    def seal(self, secret: str, purpose: str) -> str:
        """Return the secret as it may be stored; `purpose` names what it is for, and opens it again."""
        key = self._key(make=True)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), purpose.encode())
        return f"{_MARK}{_id_of(key)}:{base64.urlsafe_b64encode(sealed).decode()}"

    def unseal(self, stored: str, purpose: str) -> str:
        """Return a secret in clear.

        Raises SettingsError when the key is not there or is another one, IntegrityError when what is stored was
        changed, is for something else, or was never sealed.
        """
        if not is_sealed(stored):
            raise _damaged(purpose, "it is not sealed")
        key_id, _, body = stored.removeprefix(_MARK).partition(":")
        key = self._key(make=False)
        if key_id != _id_of(key):
            raise SettingsError("Secrets were sealed with another key than this.", remedy=_LOST, where=self._where())
        try:
            sealed = base64.urlsafe_b64decode(body)
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise _damaged(purpose, "it is not what was stored") from error

    def _key(self, *, make: bool) -> bytes:
        given = self.environment.get(KEY_VARIABLE, "")
        if not given:
            if make:
                make_private(self.key_file, base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode())
            given = read_private(self.key_file) or ""
        if not given:
            raise SettingsError("The key of the sealed secrets is missing.", remedy=_LOST, where=self._where())
        try:
            key = base64.urlsafe_b64decode(given.strip())
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != _KEY_BYTES:
            raise SettingsError(
                "The key of the sealed secrets is not one.",
                remedy=f"It is {_KEY_BYTES} random bytes in URL-safe base 64.",
                where=self._where(),
            )
        return key

    def _where(self) -> str:
        return KEY_VARIABLE if self.environment.get(KEY_VARIABLE) else str(self.key_file)


def vault_of(workspace: Workspace, environment: Mapping[str, str] | None = None) -> Vault:
    """Return the vault of a workspace; its key is made when the first secret is sealed."""
    return Vault(workspace.root, os.environ if environment is None else environment)


def is_sealed(stored: str) -> bool:
    """Say whether what is stored is a sealed secret."""
    return stored.startswith(_MARK)


def totp_purpose(name: str) -> str:
    """Name what the secret of a person's one-time codes is for."""
    return f"one-time codes of {name}"


def webhook_purpose(hook_id: str) -> str:
    """Name what the secret of a webhook is for."""
    return f"webhook {hook_id}"


def seal_stored(store: Store, vault: Vault, now: datetime) -> int:
    """Seal the secrets that an earlier winnow stored in clear; return how many. All or none, with a trace."""
    if not unsealed(store):
        return 0
    with store.together() as records:
        people = [user for user in records.users.all() if user.totp_secret and not is_sealed(user.totp_secret)]
        hooks = [hook for hook in records.webhooks.all() if not is_sealed(hook.secret)]
        for user in people:
            sealed = vault.seal(user.totp_secret or "", totp_purpose(user.name))
            records.users.change(replace(user, totp_secret=sealed))
        for hook in hooks:
            records.webhooks.keep_secret(hook.hook_id, vault.seal(hook.secret, webhook_purpose(hook.hook_id)))
        said = {"people": len(people), "webhooks": len(hooks)}
        records.audit.append(AuditEvent(now, "vault", "seal secrets", "workspace", said))
    return len(people) + len(hooks)


def sealed_secrets(store: Store) -> list[tuple[str, str]]:
    """Return every sealed secret of a store with its purpose."""
    found = [(user.totp_secret or "", totp_purpose(user.name)) for user in store.users.all()]
    found += [(hook.secret, webhook_purpose(hook.hook_id)) for hook in store.webhooks.all()]
    return [(stored, purpose) for stored, purpose in found if is_sealed(stored)]


def out_of_reach(store: Store, vault: Vault) -> int:
    """Count the sealed secrets of a store that this vault cannot open."""
    closed = 0
    for stored, purpose in sealed_secrets(store):
        try:
            vault.unseal(stored, purpose)
        except WinnowError:
            closed += 1
    return closed


def unsealed(store: Store) -> int:
    """Count the secrets that are stored in clear."""
    stored = [user.totp_secret for user in store.users.all() if user.totp_secret]
    stored += [hook.secret for hook in store.webhooks.all()]
    return sum(not is_sealed(secret) for secret in stored)


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"winnow key id" + key).hexdigest()[:_ID_LETTERS]


def _damaged(purpose: str, what: str) -> IntegrityError:
    return IntegrityError(f"The secret of the {purpose} cannot be opened: {what}.", remedy="Set it anew.")
