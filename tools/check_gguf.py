#!/usr/bin/env python3
"""Holds hone's GGUF files against llama.cpp: token ids, logits of the last position, greedy text.

  tools/check_gguf.py LLAMA_CPP_BIN MODEL… [--hone build/hone]

LLAMA_CPP_BIN is a folder with llama-debug and llama-simple (llama.cpp built with its examples); MODEL a model folder with
a byte-level BPE tokenizer. llama.cpp keeps its cache in float32 here, so that float32 files can be held to 1e-4; it
looks GELU up in a table of float16, which costs GPT-2 a little more. Ends with 1 when ids differ, float32 logits are
farther apart than --limit, or the greedy text of a float32 file is another one."""
import argparse
import array
import glob
import json
import os
import subprocess
import sys
import tempfile

TEXTS = ["Natalia sold 48 clips, didn't she?", "1234567 x = 3.5\n\n  two  spaces", "안녕하세요 😀 naïve — über"]


def run(*words):
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')[-600:]}")
    return done.stdout


def theirs(o, gguf, text, folder):
    """Token ids and last logits of llama.cpp."""
    for file in glob.glob(os.path.join(folder, "*")):
        os.remove(file)
    run(os.path.join(o.llama_cpp, "llama-debug"), "-m", gguf, "-p", text, "--save-logits", "--logits-output-dir", folder,
        "-t", "1", "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--no-warmup")
    files = glob.glob(os.path.join(folder, "*.bin"))
    read = lambda kind, name: array.array(kind, open(name, "rb").read()).tolist()
    ids = read("i", next(f for f in files if f.endswith("tokens.bin")))
    return ids, read("f", next(f for f in files if not f.endswith("tokens.bin")))


def ours(o, model, ids):
    out = run(o.hone, "inspect", "logits", model, "--ids", ",".join(map(str, ids)), "--json")
    return json.loads(out)["logits"][-1]


def greedy(o, model, gguf, text):
    """Whether both go on alike for 32 tokens (what both wrote, by bytes, up to the shorter)."""
    mine = run(o.hone, "gen", model, text, "--raw", "--temperature", "0", "--max-tokens", "32", "--quiet")
    other = run(os.path.join(o.llama_cpp, "llama-simple"), "-m", gguf, "-n", "32", text)
    other = other[other.find(text.encode()) + len(text.encode()):]
    length = min(len(mine.rstrip()), len(other.rstrip()))
    return length > 0 and mine[:length] == other[:length]


def check(o, model, kind, folder):
    gguf = os.path.join(folder, f"{kind}.gguf")
    run(o.hone, "export", model, "--to", "gguf", "--type", kind, "--out", gguf)
    same_ids, worst, same_text, scale = True, 0.0, 0, 0.0
    for text in TEXTS:
        ids, logits = theirs(o, gguf, text, os.path.join(folder, "debug"))
        expected = json.loads(run(o.hone, "gen", model, text, "--raw", "--max-tokens", "1", "--json", "--quiet"))
        same_ids &= expected["prompt_ids"] == ids
        mine = ours(o, model, ids)
        worst = max(worst, max(abs(a - b) for a, b in zip(mine, logits[-len(mine):])))
        scale = max(scale, max(map(abs, mine)))
        same_text += greedy(o, model, gguf, text)
    print(f"{model}  {kind:5}  ids {'same' if same_ids else 'DIFFER'}  largest logit gap {worst:.1e} of {scale:.1f}  "
          f"greedy text same {same_text}/{len(TEXTS)}", flush=True)
    return kind != "f32" or (same_ids and worst <= o.limit and same_text == len(TEXTS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("llama_cpp")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--limit", type=float, default=1e-3)
    o = parser.parse_args()
    good = True
    for model in o.models:
        for kind in ("f32", "f16", "q8_0"):
            with tempfile.TemporaryDirectory() as folder:
                os.mkdir(os.path.join(folder, "debug"))
                good &= check(o, model, kind, folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
