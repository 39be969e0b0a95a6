#!/bin/sh
# Builds rust-trap.wasm beside this file. Wanted: a rustc with the standard library for wasm32-unknown-unknown (Debian 13:
# rustc, libstd-rust-dev-wasm32 and lld; rustup: rustup target add wasm32-unknown-unknown) and wasm-ld as RUST_LINKER.
# Paths of the machine that builds stay out of the module.
set -eu
cd "$(dirname "$0")"
"${RUSTC:-rustc}" --target wasm32-unknown-unknown --crate-name rust_trap --edition 2021 \
  -C opt-level=1 -C panic=abort -C debuginfo=2 -C lto=fat -C codegen-units=1 \
  -C linker="${RUST_LINKER:-wasm-ld}" --remap-path-prefix "$PWD=/rust-trap" src/main.rs -o rust-trap.wasm
