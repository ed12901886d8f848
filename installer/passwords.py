"""Password hashes, made by OpenSSL: the secret goes over standard input, never into arguments."""

from __future__ import annotations

from engine.command import Commands
from engine.errors import CommandError
from installer.plan import Secret
from installer.rules import password_hash


def hash_password(text: str, commands: Commands) -> Secret:
    """A crypt(3) hash (SHA-512, salt of its own); raises CommandError.

    The commands must be real ones: a dry run has to bring the hash by its own means.
    """
    output = commands.run(
        ["openssl", "passwd", "-6", "-stdin"], input=text + "\n", secrets=[text], quiet=True
    )
    made = output.stdout.strip()
    if not made.startswith("$6$") or password_hash(made):
        raise CommandError("openssl made no password hash.", hint="Is its version 1.1.1 or later?")
    return Secret(made)
