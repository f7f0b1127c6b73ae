"""What was entered during one set-up. Nothing of it is saved before the last step."""

from krakked_tui.control.setup import (
    KeyCheck,
    SetupChoices,
    SetupFacts,
    SetupMode,
    SetupSaved,
    UniversePreview,
)
from krakked_tui.domain.secret import Secret


class Entries:
    """The answers so far. Secrets stay wrapped, and are forgotten when set-up ends."""

    def __init__(self, facts: SetupFacts) -> None:
        self.facts = facts
        self.mode = SetupMode.PAPER
        self.region = facts.default_region
        self.remember = False
        self.api_key: Secret | None = None
        self.api_secret: Secret | None = None
        self.password: Secret | None = None
        self.check: KeyCheck | None = None
        self.preview: UniversePreview | None = None
        self.saved: SetupSaved | None = None

    @property
    def may_skip_key(self) -> bool:
        """Whether set-up can go on without a key: paper needs none, and there may be one already."""
        return self.mode is SetupMode.PAPER or self.facts.secrets_exist or bool(self.facts.environment_key)

    @property
    def has_key(self) -> bool:
        """Whether both halves of a key were entered."""
        return self.api_key is not None and self.api_secret is not None

    @property
    def has_secrets(self) -> bool:
        """Whether something was typed that leaving would lose."""
        return any(each is not None for each in (self.api_key, self.api_secret, self.password))

    def take_key(self, api_key: Secret, api_secret: Secret) -> None:
        """Keep what was typed, empty halves as they were; an older check does not hold for a new key."""
        if api_key and api_key != self.api_key:
            self.api_key, self.check = api_key, None
        if api_secret and api_secret != self.api_secret:
            self.api_secret, self.check = api_secret, None

    def drop_key(self) -> None:
        """Forget the key, and so the password that was to protect it."""
        self.api_key = self.api_secret = self.password = self.check = None
        self.remember = False

    def choices(self) -> SetupChoices:
        """Return what is to be saved."""
        return SetupChoices(
            mode=self.mode,
            region=self.region,
            api_key=self.api_key,
            api_secret=self.api_secret,
            check=self.check,
            password=self.password,
            remember_password=self.remember,
        )
