#!/usr/bin/env python3
"""Makes docs/performance.md from bench/results/*.json: `table.py [RESULTS] [PAGE]`; --check says whether the page is
what the results make, and changes nothing."""
import json
import os
import sys

import plan

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

HEAD = """# Performance

Made by `bench/rivals/table.py` from `bench/results/*.json`; `bench/rivals/run.py` measures. Do not edit by hand.

How it is measured: both sides hold the same model (GPT-2's architecture: LayerNorm with scale and shift, biases, tied
output, float32, the same number of parameters, checked), do the same work with the same number of threads, and are
measured in turns in one run, each after a warm-up. A ratio is the mean of hone's rates before and after a rival's
measurement over the rival's rate; mean ± standard deviation over the rounds. Every rival runs in the fastest of the environments that were tried
(malloc settings, OpenBLAS kernels; large shapes take over the choice of d256) and with the fastest form of its AdamW. The
floor against the current PyTorch means its faster form: where torch.compile is slower than SDPA alone, the row of SDPA
is the one to look at. A training step is forward, backward,
clipping and AdamW over every position; a rollout feeds a prompt and samples the rest, one sequence a prompt; llama.cpp
decodes random tokens and does not sample; llm.c does not clip; a GRPO step samples, scores under a reference model and
updates. "busy" has one thread on the machine that does nothing but take processor time, for both sides. A tokenizer
reads 10 MB of text of several scripts with one thread. GFLOP/s counts 6 operations a parameter and token in training and 2 in generation (position tables left out)
plus attention over the whole square, not only the causal half. "Roof" is the share of the time that the step's matrix
products alone take at sgemm's rate in the same run, plus, in training, the attention kernel. Load is the machine's
before the comparison began: above about 0.5 something else was running.
"""


def load(folder):
    """Results by name, in the plan's order; names that the plan does not know come last."""
    results = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                one = json.load(file)
            results[one["name"]] = one
    order = [c.name for c in plan.comparisons()]
    return [results[n] for n in sorted(results, key=lambda n: (order.index(n) if n in order else len(order), n))]


def rate(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def number(value, form):
    return form.format(value) if value else "–"


def row_of(result, rival):
    ratio = rival["ratio"]
    floor = "" if rival["floor"] is None else f"{rival['floor']:g}×"
    reached = {None: "", True: "yes", False: "**no**"}[rival["reached"]]
    return (f"| {result['name']} | {rate(rival['hone'])} | {rival['name']} | {rate(rival['mean'])} ± "
            f"{rate(rival['sd'])} | {ratio['mean']:.2f} ± {ratio['sd']:.2f} | {floor} | {reached} |")


def comparison_table(results):
    lines = ["| what | hone | rival | rival's rate | hone ÷ rival | floor | reached |", "|---|---|---|---|---|---|---|"]
    for result in results:
        lines += [row_of(result, rival) for rival in result["rivals"]]
    return lines


def hone_table(results):
    lines = ["| what | parameters | vocabulary | rate | unit | GFLOP/s | roof |", "|---|---|---|---|---|---|---|"]
    for result in results:
        row, hone = result["row"], result["hone"]
        gflops = row.get("flops_per_unit", 0) * hone["mean"] / 1e9
        share = hone["mean"] / row["roof_rate"] if row.get("roof_rate") else 0
        vocab = row.get("vocab", row.get("shape", {}).get("vocab", 0))
        lines.append(f"| {result['name']} | {number(row.get('parameters'), '{:,}')} | {vocab:,} | {rate(hone['mean'])} ± "
                     f"{rate(hone['sd'])} | {row['unit']} | {number(gflops, '{:.1f}')} | "
                     f"{number(100 * share, '{:.0f} %')} |")
    return lines


def machines(results):
    lines = []
    for key in sorted({machine_line(r) for r in results}):
        names = [r["name"] for r in results if machine_line(r) == key]
        lines.append(f"- {key}: {', '.join(names)}")
    return lines


def machine_line(result):
    m, load = result["machine"], result["machine"]["load_at_start"]
    return (f"{m['cpu']}, {m['cores']} cores, {m['memory_bytes'] / 2**30:.0f} GiB, {result['threads']} threads, "
            f"{result['rounds']} rounds, {result['hone_version']}" + (f", load {load}" if load > 0.5 else ""))


def versions(results):
    seen = {f"{name} {v}" for r in results for rival in r["rivals"] for name, v in rival["versions"].items()}
    return [f"- {v}" for v in sorted(seen)]


def choices(results):
    """The environment and settings that each rival ran best with."""
    lines = []
    for result in results:
        for rival in result["rivals"]:
            words = [f"{k} {v}" for k, v in rival["settings"].items()]
            words += [f"{k}={v}" for k, v in rival["environment"].items()]
            lines.append(f"- {result['name']}, {rival['name']}: {', '.join(words)}")
    return lines


def absent(results):
    return [f"- {r['name']}: {name}: {why.splitlines()[0]}" for r in results for name, why in r["absent"].items()]


def page(results):
    if not results:
        return HEAD + "\nNothing has been measured yet: `bench/rivals/run.py --help` says how.\n"
    parts = [HEAD, "## Against others", *comparison_table(results), "", "## hone alone", *hone_table(results), "",
             "## Machine", *machines(results), "", "## Versions", *versions(results), "",
             "## What each rival ran best with", *choices(results)]
    if absent(results):
        parts += ["", "## Left out", *absent(results)]
    return "\n".join(parts) + "\n"


def write(folder, path):
    text = page(load(folder))
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    temporary = f"{path}.tmp-{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def main(words):
    check = "--check" in words
    words = [w for w in words if w != "--check"]
    folder = words[0] if words else os.path.join(ROOT, "bench", "results")
    path = words[1] if len(words) > 1 else os.path.join(ROOT, "docs", "performance.md")
    if not check:
        write(folder, path)
        return 0
    with open(path, encoding="utf-8") as file:
        same = file.read() == page(load(folder))
    print("performance.md: as the results make it" if same else "performance.md: stale, run bench/rivals/table.py")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
