"""What `/` shows where the page has not been built: how to build it, and the examples as text, without a script."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from html import escape
from string import Template

from graphql import strip_ignored_characters

from gateway.explorer.example import Example

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Butler gateway</title>
<link rel="icon" href="data:,">
<style>
body { margin: 0 auto; padding: 2rem 1.2rem; max-width: 58rem; font: 16px/1.5 system-ui, sans-serif; }
h1 { margin-bottom: 0; }
h2 { margin: 2.2rem 0 0; font-size: 1.15rem; }
a { color: #058b8c; }
pre { overflow-x: auto; padding: .8rem 1rem; border-radius: 8px; background: rgb(128 128 128 / 13%);
      font: 13px/1.5 ui-monospace, monospace; }
summary { cursor: pointer; }
.note { padding: .7rem 1rem; border-left: 4px solid #00babc; background: rgb(0 186 188 / 10%); }
</style>
</head>
<body>
<h1>Butler gateway</h1>
<p>Ask Rubin Butler repositories, in GraphQL: POST to <code>$address</code>.
The schema is at <a href="schema.graphql">schema.graphql</a>.</p>
<p class="note">The interactive page has not been built. In a checkout of the gateway, <code>make page</code>
builds it (in an environment of your own: <code>python -m gateway.explorer.build</code>); then reload.
Everything below works without it.</p>
$examples
</body>
</html>
""")

_EXAMPLE = Template("""\
<section id="$name">
<h2>$title</h2>
<p>$question</p>
<pre>$query</pre>
$variables<details><summary>with curl</summary>
<pre>$curl</pre>
</details>
<details><summary>in Python, with gql</summary>
<pre>$python</pre>
</details>
</section>
""")


def unbuilt_page(base_url: str, examples: Iterable[Example]) -> str:
    """The whole page. `base_url` is where the visitor finds the gateway; it ends in a slash."""
    address = f"{base_url}graphql"
    return _PAGE.substitute(
        address=escape(address), examples="\n".join(_section(example, address) for example in examples)
    )


def _section(example: Example, address: str) -> str:
    variables = json.dumps(example.variables, indent=2)
    return _EXAMPLE.substitute(
        name=escape(example.name),
        title=escape(example.title),
        question=escape(example.question),
        query=escape(_without_comments(example.query)),
        variables=f"<p>Variables:</p>\n<pre>{escape(variables)}</pre>\n" if example.variables else "",
        curl=escape(curl_command(example, address)),
        python=escape(python_snippet(example, address)),
    )


def curl_command(example: Example, address: str) -> str:
    """A command for a POSIX shell that asks this example."""
    body = json.dumps(example.body | {"query": strip_ignored_characters(example.query)})
    return f"curl -s {shlex.quote(address)} \\\n  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"


def python_snippet(example: Example, address: str) -> str:
    """A script that asks this example with the gql library (`pip install "gql[httpx2]"`)."""
    query = _without_comments(example.query)
    lines = [
        "from gql import Client, gql",
        "from gql.transport.httpx import HTTPXTransport",
        "",
        f"client = Client(transport=HTTPXTransport(url={address!r}))",
        f'query = gql("""\n{query}""")'
        if "\\" not in query and '"""' not in query
        else f"query = gql({query!r})",
    ]
    if example.variables:
        lines.append(f"query.variable_values = {example.variables!r}")
    return "\n".join([*lines, "print(client.execute(query))", ""])


def _without_comments(query: str) -> str:
    """The query after its leading comments, which the page shows as title and question."""
    lines = query.splitlines(keepends=True)
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        lines.pop(0)
    return "".join(lines)
