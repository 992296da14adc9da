"""Rival of `hone bench tokenize --tokenizer FILE`: the `tokenizers` package on 10 MB of text, one thread.

The text is that of hone::text::bench_text (src/hone/text/bench_text.h), byte for byte. The package gets it in documents
of about 10 kB, hundreds at a time, by the faster of its two ways (without offsets).
"""
import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import common
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


def documents_of(text):
    documents, held, size = [], [], 0
    for line in text.splitlines(keepends=True):
        held.append(line)
        size += len(line.encode())
        if size > 10_000:
            documents.append("".join(held))
            held, size = [], 0
    return documents + (["".join(held)] if held else [])


def main():
    a = common.arguments(__doc__).parse_args()
    tokenizer = tokenizers.Tokenizer.from_file(a.tokenizer)
    documents = documents_of(bench_text(10_000_000))
    parts = [documents[i : i + 100] for i in range(0, len(documents), 100)]
    sizes = [sum(len(d.encode()) for d in part) / 1e6 for part in parts]
    state = {"next": 0}

    def work():
        i = state["next"] % len(parts)
        state["next"] += 1
        tokenizer.encode_batch_fast(parts[i], add_special_tokens=False)
        return sizes[i]

    common.serve(work, settings={"threads": 1}, versions={"tokenizers": tokenizers.__version__})


if __name__ == "__main__":
    main()
