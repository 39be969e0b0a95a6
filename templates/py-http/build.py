"""Builds {{name}}.wasm; what that needs goes into .venv."""

import os
import subprocess
import sys
import venv
from pathlib import Path

here = Path(__file__).parent
tools = here / ".venv" / ("Scripts" if os.name == "nt" else "bin")


def run(tool: str, *args: str) -> None:
    if subprocess.run([tools / tool, *args], cwd=here).returncode != 0:
        sys.exit(f"Cannot build {{name}}.wasm: {tool} failed")


if not (here / ".venv" / "ready").exists():
    venv.create(here / ".venv", clear=True, with_pip=True)
    run("pip", "install", "--quiet", "--requirement", "requirements.txt")
    run("pip", "install", "--quiet", "--no-deps", "--target", ".venv/wasi", "--requirement", "wasi.txt")
    (here / ".venv" / "ready").touch()
wit = ["--wit-path", ".venv/wasi/spin_sdk/wit", "--world", "wasi:http/proxy@0.2.6"]
run("componentize-py", *wit, "componentize", "--python-path", "src", "main", "--output", "{{name}}.wasm")
