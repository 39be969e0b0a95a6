#!/bin/sh
# Builds image.wasm beside this file. Wanted: cargo and rustc with the standard library for wasm32-wasip1, and wasm-component-ld
# (cargo install wasm-component-ld), which links with wasm-ld and puts the component around the module. WASM_LD names that where
# it is not in the PATH.
set -eu
cd "$(dirname "$0")"
linker="${WASM_COMPONENT_LD:-wasm-component-ld}"
export CARGO_TARGET_WASM32_WASIP1_LINKER="$linker"
export RUSTFLAGS="--remap-path-prefix $HOME=/home --remap-path-prefix $PWD=/image ${WASM_LD:+-C link-arg=--wasm-ld-path=$WASM_LD}"
"${CARGO:-cargo}" build --release --locked --target wasm32-wasip1 --target-dir "${CARGO_TARGET_DIR:-target}"
cp "${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/image.wasm" image.wasm
