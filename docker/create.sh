#!/bin/sh
# Creates an empty Butler repository at $1, unless there is one. Its registry is the one that repository.yaml, beside
# this script, names.
set -eu

root="$1"
if [ -f "$root/butler.yaml" ]; then
    echo "There is a repository at $root."
    exit 0
fi
exec butler create --seed-config "$(dirname "$0")/repository.yaml" --override "$root"
