"""What a model server says that it serves: a look at an endpoint before anything is asked of it.

Synchronous and without a thread, since processes are forked afterwards.
"""

import json
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from manifests.errors import RecipeError
from stages.model_endpoint import CONNECT_SECONDS, LONGEST_WORDS, Endpoint

if TYPE_CHECKING:
    import httpx2

_LIST_BYTES, _LIST_SECONDS = 4 << 20, 30


class _Listing(msgspec.Struct):
    id: str
    max_model_len: int | None = None


class _Listed(msgspec.Struct):
    data: list[_Listing]


def listed_models(endpoint: Endpoint) -> dict[str, int | None]:
    """The models that a server lists, with the context of each where it says so.

    Raises:
        RecipeError: nobody answers there, or not as such a server does.
    """
    import httpx2

    address = f"{endpoint.address.rstrip('/')}/models"
    headers = {
        "Accept-Encoding": "identity",
        **({"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}),
    }
    status = "no address"
    try:
        with (
            httpx2.Client(trust_env=not endpoint.is_here, timeout=CONNECT_SECONDS, headers=headers) as client,
            client.stream("GET", address) as response,
        ):
            status = f"HTTP {response.status_code}"
            body = _list_body(response)
        told = json.loads(body.decode(errors="replace"))
        if response.status_code == 200:
            return {model.id: model.max_model_len for model in msgspec.convert(told, _Listed).data}
        found = f"{status}: {endpoint.said(body.decode(errors='replace'))}"
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        found = f"{type(error).__name__}: {error}"[:LONGEST_WORDS]
    except (msgspec.ValidationError, ValueError, RecursionError):
        found = f"{status}, and no list of models"
    raise RecipeError(
        f"rewriting.endpoint: {endpoint.address}: expected a server with an OpenAI-compatible API, got {found}",
        hint="start it first; the address mostly ends in /v1, and rewriting.api_key_variable names the key's variable",
    )


def _list_body(response: "httpx2.Response") -> bytes:
    import httpx2

    body = b""
    began = monotonic()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > _LIST_BYTES or monotonic() - began > _LIST_SECONDS:
            raise httpx2.ReadError(f"a list of more than {_LIST_BYTES} bytes or {_LIST_SECONDS} s")
    return body
