"""One side of a comparison: a process that warms up, says that it is ready, and measures when it is told to."""
import json
import os
import select
import subprocess
import tempfile
import time


class Failed(Exception):
    """A side that could not be measured, and why."""


class Player:
    def __init__(self, words, environment=None, patience=300.0):
        self.patience = patience
        self.words = words
        self.errors = tempfile.TemporaryFile()
        try:
            self.child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                          env=dict(os.environ, **(environment or {})))
        except OSError as error:
            raise Failed(str(error)) from error
        self.pending = b""
        try:
            self.about = self.read()
        except Failed:
            self.close()
            raise
        if not self.about.get("ready"):
            self.close()
            raise Failed(f"{words[0]} did not say that it is ready")

    def last_words(self):
        self.errors.seek(0)
        return self.errors.read()[-400:].decode(errors="replace").strip()

    @staticmethod
    def answer_in(line):
        """What a line says, or None for talk: libraries print what they like."""
        try:
            answer = json.loads(line)
        except ValueError:
            return None
        return answer if isinstance(answer, dict) and ("ready" in answer or "rate" in answer) else None

    def read(self):
        """The next answer."""
        end = time.monotonic() + self.patience
        while True:
            while b"\n" in self.pending:
                line, self.pending = self.pending.split(b"\n", 1)
                answer = self.answer_in(line)
                if answer:
                    return answer
            ready, _, _ = select.select([self.child.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise Failed(f"no answer in {self.patience:.0f} s")
            part = os.read(self.child.stdout.fileno(), 65536)
            if not part:
                raise Failed(f"ended early: {self.last_words()}")
            self.pending += part

    def measure(self, seconds):
        """Units per second, measured for at least `seconds`."""
        try:
            self.child.stdin.write(f"{seconds}\n".encode())
            self.child.stdin.flush()
        except OSError as error:
            raise Failed(f"ended early: {self.last_words()}") from error
        return float(self.read()["rate"])

    def close(self):
        try:
            self.child.stdin.close()
            self.child.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
