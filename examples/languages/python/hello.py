"""Greets whom its arguments name, counts what comes on stdin and reads a file that it may have been granted."""

import os
import sys

from wit_world import exports


class Run(exports.Run):
    def run(self) -> None:
        greeting = os.environ.get("GREETING", "Hello")
        print(f"{greeting}, {' '.join(sys.argv[1:]) or 'world'}!")
        print(f"stdin: {len(sys.stdin.buffer.read())} bytes")
        try:
            with open("/data/note.txt", encoding="utf-8") as note:
                print(f"note: {note.readline().rstrip()}")
        except OSError:
            print("note: none")
