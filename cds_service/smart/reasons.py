"""What an admin can do about each reason why a token is not had."""

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "no_backend_client": "give the site file a [backend] table with the client id that the EHR gave us",
    "no_signing_key": "we have no signing key: run `cds-service keys rotate`",
    "discovery_failed": "check [fhir] base_url: its .well-known/smart-configuration does not answer",
    "discovery_unreadable": "check [fhir] base_url: its .well-known/smart-configuration is not JSON",
    "discovery_lacks_token_endpoint": "set [backend] token_url: discovery does not tell it",
    "token_endpoint_not_named": (
        "discovery names a server that the site file does not: when it is right, add it to [network] servers"
    ),
    "invalid_client": (
        "the EHR does not know our client id or our key: compare [backend] client_id with its registration,"
        " and the key set address registered there with ours (`cds-service keys show`)"
    ),
    "unauthorized_client": (
        "the EHR knows the client but has not enabled it: have it mapped to a background user, and wait for the"
        " change to be copied (at Epic up to 12 hours)"
    ),
    "invalid_scope": "the EHR refuses the scopes asked for: compare [backend] scopes with its registration",
    "invalid_grant": "the EHR refused what was exchanged; open the app from the chart again",
    "token_endpoint_429": "the EHR limits token requests; they are repeated by themselves",
    "token_endpoint_silent": "the EHR's token endpoint does not answer; it is tried again by itself",
}


def advice(reason: str) -> str:
    """Return what to do about a reason code, in the words of a sentence's second half."""
    return ADVICE.get(reason, "see the EHR's authorization log; it is tried again by itself")
