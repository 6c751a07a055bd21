#!/bin/sh
# Serves the configuration that BUTLER_GATEWAY_CONFIG names. Words that begin with - go to `serve`; other words are
# a command of their own: `check`, `schema`, `demo`, or any program of the image.
set -eu

config="${BUTLER_GATEWAY_CONFIG:-/etc/butler-gateway/config.yaml}"

need_config() {
    if [ ! -r "$config" ]; then
        echo "butler-gateway: no configuration at $config: mount one there, or name its place in BUTLER_GATEWAY_CONFIG" >&2
        exit 2
    fi
}

case "${1:-serve}" in
    serve)
        need_config
        [ "$#" -eq 0 ] || shift
        exec butler-gateway serve --config "$config" "$@"
        ;;
    -h | --help | --version)
        exec butler-gateway "$@"
        ;;
    -*)
        need_config
        exec butler-gateway serve --config "$config" "$@"
        ;;
    check)
        need_config
        shift
        exec butler-gateway check --config "$config" "$@"
        ;;
    schema | demo)
        exec butler-gateway "$@"
        ;;
    *)
        exec "$@"
        ;;
esac
