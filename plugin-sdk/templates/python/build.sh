#!/bin/sh
# Makes build/plugin.wasm, a component that needs no WASI; `kith plugin build` puts the manifest into it.
set -eu
mkdir -p build
componentize-py -d wit -w plugin componentize --stub-wasi app -o build/plugin.wasm
