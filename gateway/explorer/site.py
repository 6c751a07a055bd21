"""
The routes of the page: `/`, its assets, and the examples it offers.

Promised: nothing is fetched from another host (the Content-Security-Policy would refuse it), nothing of the page can be
framed, every file has its true media type, the page itself is asked for anew on each visit while its assets, named by
their content, are kept for a year.
"""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.explorer.example import FOLDER as EXAMPLES
from gateway.explorer.example import load_examples
from gateway.explorer.unbuilt import unbuilt_page
from gateway.http.codings import chosen

DIST = Path(__file__).parent / "dist"

# 'unsafe-inline' for styles only: Monaco, GraphiQL's editor, positions its lines with them. Scripts are files of ours.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PAGE = SAFE | {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}
ASSET = SAFE | {"Cache-Control": "public, max-age=31536000, immutable"}

# Not mimetypes': its table is the machine's, and a script of the wrong type is not run.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}


def explorer_routes(*, examples: Path = EXAMPLES, dist: Path = DIST) -> list[BaseRoute]:
    """
    Routes for `/`, `/examples.json` and `/assets/...`, to be added to the application's own.

    The page expects GraphQL at `graphql` and the schema at `schema.graphql` beside it. Where it has not been built
    (no `index.html` in `dist`), `/` says how to, and shows the examples as text. That is looked up at each visit,
    so a page built while the gateway runs is there at the next reload. The endpoints read files, and so are plain
    functions: Starlette runs them in threads, away from the event loop.
    """

    def page(request: Request) -> Response:
        index = dist / "index.html"
        if index.is_file():
            return FileResponse(index, headers=PAGE, media_type="text/html; charset=utf-8")
        return HTMLResponse(unbuilt_page(str(request.base_url), load_examples(examples)), headers=PAGE)

    def example_queries(_: Request) -> Response:
        found = [example.as_json() for example in load_examples(examples)]
        return JSONResponse({"examples": found}, headers=SAFE | {"Cache-Control": "no-cache"})

    def asset(request: Request) -> Response:
        return _asset(dist / "assets", request)

    return [
        Route("/", page),
        Route("/examples.json", example_queries),
        Route("/assets/{name}", asset),
    ]


def _asset(folder: Path, request: Request) -> Response:
    """One file of the build, as the gzipped copy that the build left beside it where the browser takes that."""
    name = request.path_params["name"]
    path = folder / name
    media_type = MEDIA_TYPES.get(path.suffix)
    # The route gives one segment of the path; ".." has no media type, and so has nothing to say here.
    if media_type is None or "\\" in name or "\0" in name or not path.is_file():
        raise HTTPException(404)
    headers = ASSET | {"Vary": "Accept-Encoding"}
    zipped = path.with_name(path.name + ".gz")
    if zipped.is_file() and chosen(request.headers.get("accept-encoding"), ("gzip",)) == "gzip":
        return FileResponse(zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=media_type)
    return FileResponse(path, headers=headers, media_type=media_type)
