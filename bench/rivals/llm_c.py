"""Rival of `hone bench train`: llm.c's train_gpt2 (C, OpenMP) on a random checkpoint of the same shape.

--binary is train_gpt2. The program trains on batches of 4 x 64 tokens, whatever it is asked, and prints the time of
every step, so the comparison uses the shape with those rows and tokens. It does not clip its gradients."""
import array
import os
import random
import re
import struct
import subprocess
import tempfile
import time

import common

ROWS, TOKENS = 4, 64
TOOK = re.compile(r"^step (\d+): train loss .*\(took ([0-9.]+) ms\)")


def sizes(a, vocab):
    D, L, F = a.width, a.layers, 4 * a.width
    return [("wte", vocab * D), ("wpe", a.context * D), ("one", L * D), ("zero", L * D), ("qkv", L * 3 * D * D),
            ("zero", L * 3 * D), ("out", L * D * D), ("zero", L * D), ("one", L * D), ("zero", L * D), ("up", L * F * D),
            ("zero", L * F), ("down", L * D * F), ("zero", L * D), ("one", D), ("zero", D)]


def write_checkpoint(path, a, rng):
    """256 integers (magic, version 3, sizes) and the tensors; the vocabulary is padded to a multiple of 128."""
    padded = (a.vocab + 127) // 128 * 128
    head = [20240326, 3, a.context, a.vocab, a.layers, a.heads, a.width, padded]
    noise = array.array("f", [0.0693 * (rng.random() - 0.5) for _ in range(1 << 16)])
    with open(path, "wb") as file:
        file.write(struct.pack("<256i", *head, *[0] * (256 - len(head))))
        for kind, count in sizes(a, padded):
            if kind in ("one", "zero"):
                file.write((array.array("f", [1.0 if kind == "one" else 0.0]) * count).tobytes())
                continue
            for begin in range(0, count, len(noise)):
                file.write(noise[: min(len(noise), count - begin)].tobytes())
    return sum(count for _, count in sizes(a, a.vocab))


def write_tokens(path, a, rng):
    count = 64 * ROWS * TOKENS + 1
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<256i", 20240520, 1, count, *[0] * 253))
        file.write(array.array("H", [rng.randrange(a.vocab) for _ in range(count)]).tobytes())


def steps(a, folder, seconds):
    """Times of steps 1, 2, … until they add up to `seconds` (step 0 warms up); the program is then ended."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads))
    child = subprocess.Popen(["stdbuf", "-oL", a.binary], cwd=folder, env=environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    spent, begin = [], time.monotonic()
    try:
        for line in child.stdout:
            match = TOOK.match(line)
            if match and int(match[1]) > 0:
                spent.append(float(match[2]) / 1000)
            # Step 20 writes text, which needs a tokenizer.
            if spent and (sum(spent) >= seconds or len(spent) >= 19 or time.monotonic() - begin > 20 * seconds + 60):
                break
    finally:
        child.kill()
        child.wait()
    if not spent:
        raise SystemExit("llm.c finished no step")
    return {"rate": ROWS * TOKENS * len(spent) / sum(spent), "units": ROWS * TOKENS * len(spent), "seconds": sum(spent)}


def main():
    parser = common.arguments(__doc__)
    a = parser.parse_args()
    if (a.rows, a.tokens) != (ROWS, TOKENS):
        raise SystemExit(f"llm.c trains on {ROWS} x {TOKENS} tokens, not {a.rows} x {a.tokens}")
    a.binary = os.path.abspath(a.binary)
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        parameters = write_checkpoint(os.path.join(folder, "gpt2_124M.bin"), a, rng)
        for split in ("train", "val"):
            write_tokens(os.path.join(folder, f"dev/data/tinyshakespeare/tiny_shakespeare_{split}.bin"), a, rng)
        common.say(ready=True, parameters=parameters, settings={"threads": a.threads}, versions={"llm.c": "train_gpt2"})
        common.answer(lambda seconds: steps(a, folder, seconds))


if __name__ == "__main__":
    main()
