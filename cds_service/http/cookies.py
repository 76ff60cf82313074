"""Our cookies: one for each sign-in and one for each brief, in a form that works in an EHR's frame.

`SameSite=None; Secure; Partitioned` lets a page in another site's frame have them, each EHR its own jar (CHIPS); the
prefix `__Host-` keeps other hosts of our domain from setting them. Over http, which only the demo allows, a browser
takes neither: there they are plain and `Lax`.

The name of a session's cookie names its brief, so that launches of several patients stand side by side in one
browser, and a page can be shown with the session of its own launch only.
"""

from dataclasses import dataclass

from fastapi import Request, Response

_MOST_SESSIONS = 50


@dataclass(frozen=True, slots=True)
class Cookies:
    """Sets and reads them. `secure` is false only in the demo."""

    secure: bool

    def put(self, response: Response, name: str, value: str, *, max_age_s: int) -> None:
        """Set a cookie."""
        kind = "; SameSite=None; Secure; Partitioned" if self.secure else "; SameSite=Lax"
        header = f"{self._full(name)}={value}; Path=/; Max-Age={max_age_s}; HttpOnly{kind}"
        response.headers.append("Set-Cookie", header)

    def drop(self, response: Response, name: str) -> None:
        """Remove a cookie."""
        self.put(response, name, "", max_age_s=0)

    def read(self, request: Request, name: str) -> str:
        """Return a cookie's value, or ""."""
        return request.cookies.get(self._full(name), "")

    def briefs(self, request: Request) -> dict[str, str]:
        """Return the cookies of the sessions that this browser holds, a bounded number of them, by name."""
        start = self._full(of_brief(""))
        found = {
            n.removeprefix("__Host-"): v for n, v in request.cookies.items() if n.startswith(start)
        }
        return dict(list(found.items())[:_MOST_SESSIONS])

    def _full(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name


def of_sign_in(state: str) -> str:
    """Return the name of the cookie that ties a sign-in to the browser that began it."""
    return f"sign-in-{state[:12]}"


def of_brief(brief: str) -> str:
    """Return the name of the cookie of the session in which a brief is open."""
    return f"brief-{brief}"
