"""The embedded demonstration repository: a real Butler repository that anyone can build in seconds.

``gateway.demo.repository`` is the way in. This package imports nothing when it is imported, and the
repository module imports lsst only while it builds, so that a server which reuses a finished repository
pays nothing.
"""
