"""GraphQL over HTTP: the endpoint, its edge, and the probes of its health."""

from gateway.http.edge import Edge, http_error, middleware
from gateway.http.health import Health
from gateway.http.routes import routes
from gateway.http.view import GraphQLView, MakeContext

__all__ = ["Edge", "GraphQLView", "Health", "MakeContext", "http_error", "middleware", "routes"]
