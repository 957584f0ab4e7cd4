"""As whom does a script call the REST API of published pipelines? With a token that Airflow's API server takes.

SDK v1 signed people in to Azure here. There is no Azure to sign in to: nothing is asked, opened or sent, and no password that is given is kept.
``get_authentication_header()`` is what scripts hand to ``requests``; its token is, in this order,

1. the environment variable ``AMLPIPE_TOKEN``;
2. ``AIRFLOW_CLI_TOKEN``, which Airflow's own remote command line uses;
3. what the script itself gave (``TokenAuthentication``, ``ArmTokenAuthentication``);
4. a text that says that there is none, with a warning: the server answers 401 to it, and everything before that can be tried out.

Make a token with ``POST <Airflow's API server>/auth/token`` (docs/how-to/publish-and-version.md).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.exceptions import AuthenticationException

__all__ = [
    "AbstractAuthentication",
    "ArmTokenAuthentication",
    "AzureCliAuthentication",
    "AzureMLTokenAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]

_VARIABLES = ("AMLPIPE_TOKEN", "AIRFLOW_CLI_TOKEN")
_NO_TOKEN = "no-token-is-set-see-AMLPIPE_TOKEN"  # noqa: S105  # says that there is none


class _AccessToken(NamedTuple):
    """A token, and the second since 1970 from which on it is none; 0 where nobody can say."""

    token: str
    expires_on: int


class AbstractAuthentication:
    """What every way to sign in offers."""

    def get_authentication_header(self) -> dict[str, str]:
        """Return the header that a request to the REST API needs: ``{"Authorization": "Bearer <token>"}``.

        :raises AuthenticationException: the token that was given cannot stand in a header
        """
        return {"Authorization": f"Bearer {self._token()}"}

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        """Return the token of :meth:`get_authentication_header`, as ``azure-core`` has it: ``token`` and ``expires_on``."""
        return _AccessToken(self._token(), 0)

    def signed_session(self, session: Any = None) -> Any:
        """Return a session of ``requests`` whose requests have the header."""
        import requests

        signed = session or requests.Session()
        signed.headers.update(self.get_authentication_header())
        return signed

    def _token(self) -> str:
        for variable in _VARIABLES:
            token = os.environ.get(variable, "").strip()
            if token:
                return _sound(token, f"the environment variable {variable}")
        given = self._given()
        if given:
            return _sound(given, f"the token given to {type(self).__name__}")
        warnings.warn(
            f"{type(self).__name__}: there is no token for the REST API; set AMLPIPE_TOKEN to one of Airflow's API server "
            "(docs/how-to/publish-and-version.md), or requests with this header are refused",
            UserWarning,
            stacklevel=3,
        )
        return _NO_TOKEN

    def _given(self) -> str | None:
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Asks nobody: there is no Azure to sign in to."""

    def __init__(self, force: bool = False, tenant_id: str | None = None, cloud: str | None = None) -> None:
        """Take and ignore what only Azure could use."""


class ServicePrincipalAuthentication(AbstractAuthentication):
    """Takes an application's name and password, and keeps neither: there is no Azure to sign in to."""

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: str = "AzureCloud",
        _enable_caching: bool = True,
    ) -> None:
        """Take and ignore what only Azure could use."""


class AzureCliAuthentication(AbstractAuthentication):
    """Does not look for the Azure command line: there is no Azure to sign in to."""

    def __init__(self, cloud: str | None = None) -> None:
        """Take and ignore what only Azure could use."""


class MsiAuthentication(AbstractAuthentication):
    """Asks no machine for its identity: there is no Azure to sign in to."""

    def __init__(self, cloud: str | None = None, **_kwargs: Any) -> None:
        """Take and ignore what only Azure could use."""


class TokenAuthentication(AbstractAuthentication):
    """Uses the token that a function of the script's returns.

    :param get_token_for_audience: is given the root of the REST API
    """

    def __init__(self, get_token_for_audience: Callable[[str], Any], cloud: str | None = None) -> None:
        if not callable(get_token_for_audience):
            raise AuthenticationException(
                f"TokenAuthentication: get_token_for_audience must be a function, not {shorten(type(get_token_for_audience).__name__)}"
            )
        self._get_token_for_audience = get_token_for_audience

    def _given(self) -> str | None:
        from airflow_amlpipe.sdk._rest_urls import rest_root

        token = self._get_token_for_audience(rest_root())
        return str(getattr(token, "token", token) or "")


class ArmTokenAuthentication(AbstractAuthentication):
    """Uses the token that it is given. It is in the memory of the process alone."""

    def __init__(self, arm_access_token: str, cloud: str | None = None) -> None:
        self._arm_access_token = arm_access_token

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Use another token from now on."""
        self._arm_access_token = new_arm_access_token

    def _given(self) -> str | None:
        return self._arm_access_token


class AzureMLTokenAuthentication(AbstractAuthentication):
    """What SDK v1 gave to steps; a step that needs a token reads it as a secret."""


def _sound(token: str, where: str) -> str:
    # Never the token itself in a message.
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise AuthenticationException(f"{where} is no token: it has spaces, line breaks or letters that no header can hold")
    return token
