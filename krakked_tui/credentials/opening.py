"""Opening the encrypted file with whatever password there is."""

from dataclasses import replace

import msgspec

from krakked_tui.credentials.envelope import keyring_opted_in
from krakked_tui.credentials.master_password import PasswordSources, find_password
from krakked_tui.credentials.secrets_file import SecretsFile, opened
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import SecretsFileError
from krakked_tui.domain.secret import Secret

KEYRING = "keyring"
STALE = "the password in the keyring does not open the secrets file"


class OpenVault(msgspec.Struct, frozen=True):
    """What was in the file, and how it was opened.

    ``origin`` says where the password comes from, ``notes`` what was wrong with other sources of it;
    ``content`` is the file as it was, and ``keyring`` whether it lets the keyring keep the password.
    """

    vault: Vault
    password: Secret
    origin: str
    notes: tuple[str, ...]
    content: bytes
    keyring: bool


def open_vault(file: SecretsFile, sources: PasswordSources) -> OpenVault:
    """Open the file. A keyring with an old password does not lock out who can type the new one.

    Blocks: for the derivation of the key, for the keyring, for who types the password. Raises
    ``NoPasswordError`` and what ``SecretsFile.read`` raises.
    """
    content = file.content()
    opted_in = keyring_opted_in(content)
    found = find_password(sources, keyring_opted_in=opted_in)
    try:
        vault = opened(content, found.password)
        return OpenVault(vault, found.password, found.origin, found.notes, content, opted_in)
    except SecretsFileError:
        if found.origin != KEYRING or sources.prompt is None:
            raise
    prompt = sources.prompt
    asked = replace(sources, keyring=None, prompt=lambda text: prompt(f"{STALE}\n{text}"))
    typed = find_password(asked, keyring_opted_in=False)
    vault = opened(content, typed.password)
    return OpenVault(vault, typed.password, typed.origin, (*typed.notes, STALE), content, opted_in)
