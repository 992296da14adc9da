"""The `tokenizers` package on 10 MB of text, one thread: prints {"what": …, "mb_per_s": …} (MB = 10^6 bytes).

    venv/bin/python bench/rivals/encode_text.py tests/golden/tokenizers/gpt2.json

The text is that of hone::text::bench_text (src/hone/text/bench_text.h), byte for byte. The package gets it in documents
of about 10 kB and by the faster of its two ways (without offsets); the best of three passes counts.
"""

import argparse
import json
import os
import pathlib
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import tokenizers

WORDS = ("the of and to in is that it was for on are as with they be at one have this from or had by hot but some what "
         "there we can out other were all your when up use word how said an each she which do their time if will way "
         "about many then them would write like so these her long make thing see him two has look more day could go "
         "come did my sound no most number who over know water than call first people may down side been now find "
         "tokenizer throughput measurement internationalisation don't we've it's return self.value += 1 (x, y) "
         "안녕하세요 세계 한국어 你好世界 今天天气 привет мир naïve café 😀 👩‍👩‍👧 10 2024 3.14159 100000 == != -> {} []").split()
MASK = (1 << 64) - 1


def bench_text(least_bytes):
    state, parts, size, in_line = 1, [], 0, 0
    while size < least_bytes:
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        word = WORDS[(state >> 33) % len(WORDS)]
        in_line += 1
        end = in_line == 12 + (state >> 60)
        if end:
            in_line = 0
        piece = word + (".\n" if end else " ")
        parts.append(piece)
        size += len(piece.encode())
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenizer", nargs="?", default="tests/golden/tokenizers/gpt2.json")
    parser.add_argument("--megabytes", type=float, default=10)
    options = parser.parse_args()
    text = bench_text(int(options.megabytes * 1e6))
    documents, held = [], []
    for line in text.splitlines(keepends=True):
        held.append(line)
        if sum(map(len, held)) > 10_000:
            documents.append("".join(held))
            held = []
    documents.append("".join(held))
    tokenizer = tokenizers.Tokenizer.from_file(options.tokenizer)
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        encoded = tokenizer.encode_batch_fast(documents, add_special_tokens=False)
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"what": f"tokenizers {tokenizers.__version__}, {pathlib.Path(options.tokenizer).name}, one thread",
                      "mb_per_s": round(len(text.encode()) / 1e6 / min(seconds), 2),
                      "tokens": sum(len(one.ids) for one in encoded)}))


if __name__ == "__main__":
    main()
