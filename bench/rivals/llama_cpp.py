"""Rival of `hone bench generate`: llama.cpp's llama-batched-bench on a random GPT-2 of the same shape.

--mode f32 or q8_0; --binary is llama-batched-bench. The program times prompt and decoding itself, loading left out,
and does not sample: it feeds random tokens, which is less work than hone's. Of its settings (threads, flash attention)
the fastest is found first and kept."""
import json
import os
import subprocess
import tempfile

import common
import write_gguf


def command(a, model, setting):
    threads, flash = setting
    room = a.batch * (a.prompt + a.new)
    return [a.binary, "-m", model, "-c", str(max(256, room)), "-b", "2048", "-ub", "512", "-npp", str(a.prompt),
            "-ntg", str(a.new), "-npl", str(a.batch), "-t", str(threads), "-tb", str(threads), "-fa", flash,
            "--output-format", "jsonl"]


def tokens_per_second(a, model, setting):
    """One run of the program. It may end before its log is written, so it is asked again when it said nothing."""
    for _ in range(8):
        out = subprocess.run(command(a, model, setting), capture_output=True, text=True, check=False)
        for line in (out.stdout + "\n" + out.stderr).splitlines():
            if line.startswith('{"n_kv'):
                return a.batch * a.new / json.loads(line)["t"]
        if out.returncode != 0:
            break
    raise SystemExit(f"llama.cpp measured nothing (exit code {out.returncode}): {out.stderr[-1000:]}")


def version(binary):
    out = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    lines = [line for line in (out.stdout + out.stderr).splitlines() if "version" in line]
    return lines[0].strip() if lines else "unknown"


def main():
    parser = common.arguments(__doc__)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "random.gguf")
        parameters = write_gguf.write(model, a, a.mode == "q8_0")
        settings = [(t, f) for t in sorted({1, a.threads}) for f in ("on", "off")]
        rates = {s: max(tokens_per_second(a, model, s) for _ in range(2)) for s in settings}
        best = max(rates, key=rates.get)
        common.say(ready=True, parameters=parameters,
                   settings={"format": a.mode, "threads": best[0], "flash attention": best[1]},
                   versions={"llama.cpp": version(a.binary)})
        common.answer(lambda _: {"rate": max(tokens_per_second(a, model, best) for _ in range(2))})


if __name__ == "__main__":
    main()
