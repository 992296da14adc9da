#!/usr/bin/env python3
"""Measures hone against its rivals on this machine: the same work, in turns, in one run.

  bench/rivals/run.py --hone build/hone --python-debian /usr/bin/python3 --python-current VENV/bin/python \\
                      --llama-cpp DIR --llm-c DIR

Every comparison of plan.py starts hone and the rivals once, warms them up, and then measures them one after the other,
round after round (hone, A, B, hone, A, B, hone: a rival is held against hone before and after it). The result is
bench/results/NAME.json, written whole or not at all; docs/performance.md is then made from the results by table.py.
A rival that is not there is left out and said so. --only and --rounds allow a part at a time; results of other
comparisons, and of rivals that were left out this time, stay."""
import argparse
import datetime
import fnmatch
import json
import os
import statistics
import subprocess
import sys
import time

import machine
import plan
import table
from player import Failed, Player

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEASURED_SHAPE = ("width", "layers", "heads", "mlp", "tokens", "rows", "vocab", "context", "batch", "prompt", "new",
                  "prompts", "samples", "tokenizer")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--python-debian", default="/usr/bin/python3", help="a Python with Debian's torch")
    parser.add_argument("--python-current", default="", help="a Python with the current torch, transformers, trl")
    parser.add_argument("--llama-cpp", default="", help="folder of a built llama.cpp")
    parser.add_argument("--llm-c", default="", help="folder of a built llm.c")
    parser.add_argument("--only", default="", help="comma-separated comparisons; * is understood")
    parser.add_argument("--skip", default="", help="comma-separated rivals' scripts or names to leave out; * is understood")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0, help="length of a measurement (default: by comparison)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--minutes", type=float, default=20, help="start no comparison after this long")
    parser.add_argument("--results", default=os.path.join(ROOT, "bench", "results"))
    parser.add_argument("--page", default=os.path.join(ROOT, "docs", "performance.md"), help="'' = write no page")
    parser.add_argument("--list", action="store_true", help="name the comparisons and stop")
    return parser.parse_args()


def found(folder, name):
    """The program `name` below a built rival's folder, or ''."""
    places = (os.path.join(folder, p, name) for p in ("", "bin", "build", "build/bin")) if folder else ()
    return next((p for p in places if os.path.isfile(p) and os.access(p, os.X_OK)), "")


def programs(o):
    """What every rival runs on: {need: (interpreter, binary)}; an empty interpreter = not there."""
    return {"debian": (o.python_debian, ""), "current": (o.python_current, ""),
            "llama_cpp": (sys.executable if found(o.llama_cpp, "llama-batched-bench") else "",
                          found(o.llama_cpp, "llama-batched-bench")),
            "llm_c": (sys.executable if found(o.llm_c, "train_gpt2") else "", found(o.llm_c, "train_gpt2"))}


def rival_words(o, rival, shape):
    interpreter, binary = programs(o)[rival.needs]
    if not interpreter:
        raise Failed(f"not there (run.py was given no {rival.needs.replace('_', '.')})")
    words = [interpreter, os.path.join(HERE, rival.script), "--mode", rival.mode, "--threads", str(o.threads)]
    for key in MEASURED_SHAPE:
        if key in shape:
            words += [f"--{key}", str(shape[key])]
    return words + (["--binary", binary] if binary else [])


def start(o, rival, shape, chosen_before):
    """The rival in the fastest of its environments, and that environment. `chosen_before` = one to take untried."""
    fixed = {"OMP_NUM_THREADS": str(o.threads), "PYTHONDONTWRITEBYTECODE": "1"}
    words = rival_words(o, rival, shape)
    environments = rival.environments if chosen_before is None else [chosen_before]
    if len(environments) == 1:
        return Player(words, {**fixed, **environments[0]}), environments[0]
    best, best_rate, best_environment = None, 0.0, {}
    for environment in environments:
        player = Player(words, {**fixed, **environment})
        rate = player.measure(min(0.5, o.seconds or 0.5))
        if best is None or rate > best_rate:
            if best is not None:
                best.close()
            best, best_rate, best_environment = player, rate, environment
        else:
            player.close()
    return best, best_environment


def environment_of(o, comparison, rival):
    """The environment that an earlier result chose for this rival, if the comparison takes over from one."""
    if not comparison.tried_at:
        return None
    try:
        with open(os.path.join(o.results, comparison.tried_at + ".json"), encoding="utf-8") as file:
            earlier = json.load(file)["rivals"]
    except (OSError, ValueError, KeyError):
        return None
    return next((r["environment"] for r in earlier if r["name"] == rival.name), None)


def spread(values):
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if len(values) > 1 else 0.0,
            "best": max(values), "samples": values}


def same_model(rival, mine):
    """Both sides must hold the same number of parameters (TRL and transformers count tied weights once, too)."""
    theirs = rival.about.get("parameters")
    if theirs != mine:
        raise Failed(f"has {theirs} parameters, hone {mine}: not the same model")


def rounds(o, comparison, hone, players, lose):
    """hone, A, B, …, hone, A, B, …, hone: hone's rates, one more than rounds, and every rival's, one a round. A rival
    that fails on the way is handed to lose(name, why)."""
    seconds = o.seconds or comparison.seconds
    mine, theirs = [hone.measure(seconds)], {name: [] for name in players}
    for _ in range(o.rounds):
        for name, player in list(players.items()):
            try:
                theirs[name].append(player.measure(seconds))
            except Failed as why:
                lose(name, why)
        mine.append(hone.measure(seconds))
    return mine, theirs


def ratios(mine, theirs):
    """A rival's rate is held against the mean of hone's before and after it, so that a drift of the machine cancels."""
    return [(before + after) / 2 / rate for before, after, rate in zip(mine, mine[1:], theirs)]


def hone_player(o, comparison):
    return Player([o.hone, "bench", *comparison.hone, "--threads", str(o.threads), "--paced", "--json", "--quiet"])


def is_skipped(o, rival):
    return any(fnmatch.fnmatch(rival.name, s) or fnmatch.fnmatch(rival.script, s) for s in o.skip.split(","))


def compare(o, comparison, say):
    """One comparison, measured. Errors: Failed when hone itself can't be measured."""
    players, environments, absent, here = {}, {}, {}, machine.describe()

    def lose(name, why):
        absent[name] = str(why)
        if name in players:
            players.pop(name).close()
        say(f"  {name}: left out: {why}")

    with hone_player(o, comparison) as hone:
        row = hone.about["row"]
        try:
            for rival in (r for r in comparison.rivals if not is_skipped(o, r)):
                try:
                    player, environment = start(o, rival, row.get("shape", {}), environment_of(o, comparison, rival))
                    players[rival.name], environments[rival.name] = player, environment
                    same_model(player, row.get("parameters"))
                except Failed as why:
                    lose(rival.name, why)
            mine, theirs = rounds(o, comparison, hone, players, lose)
            rivals = [rival_result(r, players[r.name], environments[r.name], (mine, theirs[r.name]))
                      for r in comparison.rivals if r.name in players]
        finally:
            for player in players.values():
                player.close()
    return {"name": comparison.name, "measured": now(), "machine": here, "threads": o.threads, "rounds": o.rounds,
            "seconds": o.seconds or comparison.seconds, "hone_version": version(o.hone),
            "command": "hone bench " + " ".join(comparison.hone), "row": row, "hone": spread(mine), "rivals": rivals,
            "absent": absent}


def rival_result(rival, player, environment, rates):
    mine, theirs = rates
    ratio = spread(ratios(mine, theirs))
    return {"name": rival.name, "floor": rival.floor, **spread(theirs), "hone": statistics.fmean(mine), "ratio": ratio,
            "reached": None if rival.floor is None else ratio["mean"] >= rival.floor, "environment": environment,
            "settings": player.about.get("settings", {}), "versions": player.about.get("versions", {}),
            "measured": now()}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def version(hone):
    try:
        out = subprocess.run([hone, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        return out.strip().splitlines()[0] if out.strip() else "unknown"
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"


def keep(folder, new):
    """Writes the result, keeping rivals that only the earlier one has, atomically."""
    path = os.path.join(folder, new["name"] + ".json")
    try:
        with open(path, encoding="utf-8") as file:
            old = json.load(file)
        names = {r["name"] for r in new["rivals"]}
        new["rivals"] += [r for r in old.get("rivals", []) if r["name"] not in names]
    except (OSError, ValueError):
        pass
    os.makedirs(folder, exist_ok=True)
    temporary = f"{path}.tmp-{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(new, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def chosen(o):
    everything = plan.comparisons()
    if not o.only:
        return everything
    wanted = o.only.split(",")
    for name in wanted:
        if not any(fnmatch.fnmatch(c.name, name) for c in everything):
            raise SystemExit(f"error: no comparison \"{name}\"; known: {', '.join(c.name for c in everything)}")
    return [c for c in everything if any(fnmatch.fnmatch(c.name, name) for name in wanted)]


def summary(measured):
    parts = []
    for r in measured["rivals"]:
        floor = "" if r["floor"] is None else f" (floor {r['floor']}: {'yes' if r['reached'] else 'NO'})"
        parts.append(f"{r['ratio']['mean']:.2f}x {r['name']}{floor}")
    return f"  hone {measured['hone']['mean']:.0f} {measured['row']['unit']}; " + "; ".join(parts)


def main():
    o = options()
    if o.list:
        print("\n".join(c.name for c in plan.comparisons()))
        return 0
    say = lambda text: print(text, file=sys.stderr, flush=True)
    begin, failures = time.monotonic(), 0
    if os.getloadavg()[0] > 0.5:
        say(f"warning: this machine is busy (load {os.getloadavg()[0]:.1f}); figures will be wrong")
    for comparison in chosen(o):
        spent = (time.monotonic() - begin) / 60
        if spent > o.minutes:
            say(f"{comparison.name}: not measured, {o.minutes:g} minutes are over (run.py --only {comparison.name})")
            failures += 1
            continue
        say(f"{comparison.name}  [{spent:.1f} min]")
        try:
            measured = compare(o, comparison, say)
        except Failed as why:
            say(f"  not measured: {why}")
            failures += 1
            continue
        keep(o.results, measured)
        say(summary(measured))
    if o.page:
        table.write(o.results, o.page)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
