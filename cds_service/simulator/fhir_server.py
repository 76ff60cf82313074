"""Serves one EHR's FHIR R4 endpoint over HTTP: bearer check, routes, headers, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from httpx import codes
from starlette.responses import Response
from starlette.routing import Route

from cds_service.simulator import parameters, writes
from cds_service.simulator.fhir import RefusedError
from cds_service.simulator.grants import Grant, Interaction
from cds_service.simulator.outcomes import outcome
from cds_service.simulator.wire import Json, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from cds_service.simulator.ehr import Ehr

MEDIA = "application/fhir+json"
_INTERACTIONS = ("read", "vread", "search-type", "create", "update")
_KINDS: list[Json] = [
    {
        "type": kind,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "searchParam": [
            {"name": name, "type": kind_of}
            for name, (kind_of, _) in sorted(parameters.of_type(kind).items())
        ],
    }
    for kind in sorted(parameters.TYPES)
]
_PAGE_NAMES = frozenset({"_getpages", "sessionID"})


def fhir_json(value: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Make a FHIR JSON response."""
    return Response(dumps(value), status, headers, MEDIA)


class FhirEndpoint:
    """The HTTP face of one EHR's records."""

    def __init__(self, ehr: Ehr) -> None:
        """Take the EHR whose records are served."""
        self._ehr = ehr
        self._records = ehr.records

    def routes(self) -> list[Route]:
        """List the routes below the EHR's FHIR base path."""
        base = self._ehr.personality.fhir_path
        guarded = self._guarded
        return [
            Route(f"{base}/metadata", self.metadata),
            Route(f"{base}/.well-known/smart-configuration", self.smart_configuration),
            Route(base, guarded(self.page)),
            Route(f"{base}/", guarded(self.page)),
            Route(f"{base}/{{kind}}/_search", guarded(self.search), methods=["POST"]),
            Route(f"{base}/{{kind}}", guarded(self.search), methods=["GET"]),
            Route(f"{base}/{{kind}}", guarded(self.create), methods=["POST"]),
            Route(f"{base}/{{kind}}/{{key}}", guarded(self.read), methods=["GET"]),
            Route(f"{base}/{{kind}}/{{key}}", guarded(self.update), methods=["PUT"]),
            Route(f"{base}/{{kind}}/{{key}}/_history/{{version}}", guarded(self.vread)),
        ]

    def _guarded(
        self, answer: Callable[[Request, Grant], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            grant = self._ehr.grants.find(token) if scheme.lower() == "bearer" else None
            if grant is None:
                challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                return fhir_json(
                    outcome("login", "a valid access token is needed"), 401, challenge
                )
            try:
                return await answer(request, grant)
            except RefusedError as error:
                if error.status == codes.FORBIDDEN and not self._ehr.personality.forbidden_body:
                    return Response(status_code=403)
                return fhir_json(error.outcome, error.status)

        return guarded

    def _permit(self, grant: Grant, kind: str, interaction: Interaction) -> None:
        if not grant.allows(kind, interaction):
            raise RefusedError(403, "forbidden", f"the scope does not cover {kind}")

    async def search(self, request: Request, grant: Grant) -> Response:
        """Answer a search by GET, or by POST where only the form counts."""
        kind = request.path_params["kind"]
        self._permit(grant, kind, "s")
        text = request.url.query
        if request.method == "POST":
            text = (await request.body()).decode()
        query = parse_qsl(text, keep_blank_values=True)
        token = next((value for name, value in query if name in _PAGE_NAMES), None)
        if token is not None:
            return fhir_json(self._records.more(token, patient=grant.patient))
        return fhir_json(self._records.search(kind, query, patient=grant.patient))

    async def page(self, request: Request, grant: Grant) -> Response:
        """Answer an opaque next link that points at the base."""
        token = request.query_params.get("_getpages", "")
        kind = self._records.kind_of_page(token)
        if kind:
            self._permit(grant, kind, "s")
        return fhir_json(self._records.more(token, patient=grant.patient))

    async def read(self, request: Request, grant: Grant) -> Response:
        """Answer a read, with ETag and Last-Modified's data in meta."""
        kind, key = request.path_params["kind"], request.path_params["key"]
        self._permit(grant, kind, "r")
        resource = self._records.read(kind, key, patient=grant.patient)
        return fhir_json(resource, headers={"ETag": _etag(resource)})

    async def vread(self, request: Request, grant: Grant) -> Response:
        """Answer a read of one version."""
        kind, key = request.path_params["kind"], request.path_params["key"]
        self._permit(grant, kind, "r")
        self._records.read(kind, key, patient=grant.patient)
        resource = self._records.store.vread(kind, key, request.path_params["version"])
        if resource is None:
            raise RefusedError(404, "not-found", "no such version")
        return fhir_json(resource, headers={"ETag": _etag(resource)})

    async def create(self, request: Request, grant: Grant) -> Response:
        """Answer a create."""
        kind = request.path_params["kind"]
        self._permit(grant, kind, "c")
        resource = await _resource(request, kind)
        if self._ehr.faults.take("fhir", kind, {"alter"}) is not None:
            resource = writes.altered(resource)
        written = writes.create(
            self._records,
            resource,
            ids=self._ehr.ids,
            patient=grant.patient,
            if_none_exist=request.headers.get("if-none-exist"),
        )
        status = 201 if written.created else 200
        return self._answer(written.resource, status, request.headers.get("prefer", ""))

    async def update(self, request: Request, grant: Grant) -> Response:
        """Answer an update of an existing resource."""
        kind, key = request.path_params["kind"], request.path_params["key"]
        self._permit(grant, kind, "u")
        resource = await _resource(request, kind)
        if resource.get("id") != key:
            raise RefusedError(400, "invalid", "the id in the body is not the id in the address")
        written = writes.update(
            self._records,
            resource,
            patient=grant.patient,
            if_match=request.headers.get("if-match"),
        )
        return self._answer(written.resource, 200, request.headers.get("prefer", ""))

    def _answer(self, resource: Json, status: int, prefer: str) -> Response:
        style = self._ehr.personality.create
        name = f"{resource['resourceType']}/{resource['id']}"
        path = f"{name}/_history/{resource['meta']['versionId']}" if style.history else name
        absolute = style.location == "absolute"
        headers = {"Location": f"{self._records.base}/{path}" if absolute else path}
        if style.etag:
            headers["ETag"] = _etag(resource)
        wanted = prefer.removeprefix("return=") or style.body
        if wanted != "representation":
            return Response(status_code=status, headers=headers)
        return fhir_json(resource, status, headers)

    async def metadata(self, _: Request) -> Response:
        """Answer the CapabilityStatement; no token needed."""
        conditional = self._ehr.personality.create.if_none_exist
        kinds = [kind | {"conditionalCreate": conditional} for kind in _KINDS]
        security = {"service": [{"coding": [{"code": "SMART-on-FHIR"}]}]}
        return fhir_json(
            {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "date": self._ehr.store.anchor.isoformat(),
                "kind": "instance",
                "fhirVersion": "4.0.1",
                "format": ["json"],
                "software": {"name": self._ehr.personality.software},
                "implementation": {
                    "description": f"{self._ehr.personality.title}, synthetic data only",
                    "url": self._records.base,
                },
                "rest": [{"mode": "server", "security": security, "resource": kinds}],
            }
        )

    async def smart_configuration(self, _: Request) -> Response:
        """Answer the SMART configuration; no token needed."""
        return Response(dumps(self._ehr.smart_configuration()), media_type="application/json")


def _etag(resource: Json) -> str:
    return f'W/"{resource["meta"]["versionId"]}"'


async def _resource(request: Request, kind: str) -> Json:
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if media not in {MEDIA, "application/json"}:
        raise RefusedError(415, "not-supported", "send application/fhir+json")
    try:
        resource: Any = loads(await request.body())
    except ValueError as error:
        raise RefusedError(400, "structure", "the body is not JSON") from error
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        raise RefusedError(400, "structure", f"the body is not a {kind}")
    return resource
