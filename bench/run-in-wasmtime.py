"""Runs a preview 1 command with the Python package wasmtime: `run-in-wasmtime.py compile|run FILE [ARG...]`.

`compile` writes the machine code to FILE.cwasm, `run` takes that, so that a run compiles nothing, and prints the milliseconds
of it on stderr, the start of Python left out.
"""
import pathlib
import sys
import time

from wasmtime import Engine, ExitTrap, Linker, Module, Store, WasiConfig

action, file, *arguments = sys.argv[1:]
engine = Engine()
if action == "compile":
    pathlib.Path(file + ".cwasm").write_bytes(Module.from_file(engine, file).serialize())
    sys.exit()
start = time.perf_counter()
store = Store(engine)
wasi = WasiConfig()
wasi.argv = [file, *arguments]
wasi.inherit_stdout()
store.set_wasi(wasi)
linker = Linker(engine)
linker.define_wasi()
instance = linker.instantiate(store, Module.deserialize_file(engine, file + ".cwasm"))
try:
    instance.exports(store)["_start"](store)
except ExitTrap as exit:
    if exit.code != 0:
        raise
print((time.perf_counter() - start) * 1000, file=sys.stderr)
