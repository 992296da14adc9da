"""What every rival script shares: its arguments, and how it is paced.

A rival script builds its model, does its work once to warm up, prints one JSON line {"ready": true, ...}, and then
waits. Every line on stdin holds a number of seconds: the script repeats its work for at least that long and prints
{"rate": units per second, "units": ..., "seconds": ...}. `hone bench --paced` speaks the same, so that run.py can
measure the two in turns without starting either again.
"""
import argparse
import json
import sys
import time


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    for name, standard in (("width", 128), ("layers", 4), ("heads", 4), ("mlp", 512), ("tokens", 128), ("rows", 64),
                           ("vocab", 64), ("context", 128), ("threads", 2), ("batch", 16), ("prompt", 16),
                           ("new", 112), ("prompts", 64), ("samples", 8)):
        parser.add_argument(f"--{name}", type=int, default=standard)
    parser.add_argument("--tokenizer", default="", help="tokenizer.json of a rival that encodes text")
    parser.add_argument("--mode", default="eager", help="which form of the rival")
    parser.add_argument("--binary", default="", help="program that the rival runs, where it runs one")
    return parser


def say(**members):
    print(json.dumps(members), flush=True)


def once(work, seconds):
    """Repeats `work` (which returns the units it did) for at least `seconds`; the rate and what it is made of."""
    start, units = time.perf_counter(), 0.0
    while True:
        units += work()
        spent = time.perf_counter() - start
        if spent >= seconds:
            return {"rate": units / spent, "units": units, "seconds": spent}


def fastest(choices, seconds=0.3):
    """Of {name: work} the name of the fastest, each warmed up by one call."""
    rates = {}
    for name, work in choices.items():
        work()
        rates[name] = once(work, seconds)["rate"]
    return max(rates, key=rates.get)


def answer(measurement):
    """Answers every line of stdin, a number of seconds, with measurement(seconds)."""
    for line in sys.stdin:
        if line.strip():
            say(**measurement(float(line)))


def serve(work, **about):
    """Warms up and answers every line of stdin with one measurement of `work`."""
    work()
    say(ready=True, **about)
    answer(lambda seconds: once(work, seconds))
