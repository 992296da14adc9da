"""What is compared with what, and how much faster hone is to be. The order is that of a run with too little time:
the shapes that the floors speak of come first."""

# Environments in which a rival is tried before it is measured; the fastest is kept. Debian's OpenBLAS knows no Zen 4
# and may choose slow kernels; glibc gives large freed blocks back to the system, which costs page faults every step.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "67108864"}
PLAIN = [{}, MALLOC]
TOKENIZERS = "tests/golden/tokenizers"
# torch.compile makes vector code only if what it has compiled finds Sleef's functions. Where libtorch keeps them to
# itself it falls back to scalar loops at half the speed, without a word; Debian's library has them too.
COMPILED = [{}, MALLOC, {**MALLOC, "LD_PRELOAD": "libsleef.so.3"}]
OPENBLAS = [{}, MALLOC, {**MALLOC, "OPENBLAS_CORETYPE": "SkylakeX"}, {**MALLOC, "OPENBLAS_CORETYPE": "Haswell"}]


class Rival:
    """A script, the Python or program it needs ("debian", "current", "llama_cpp", "llm_c"), and the floor: how many
    times faster hone is to be (None = measured without a floor)."""

    def __init__(self, name, script, needs, floor=None, mode="eager", environments=None):
        self.name, self.script, self.needs, self.floor, self.mode = name, script, needs, floor, mode
        self.environments = environments or [{}]


class Comparison:
    """`hone` = the words after `hone bench`; `seconds` = least length of one measurement; `tried_at` = the comparison
    whose choice of environment is taken over, where trying them all again would take minutes."""

    def __init__(self, name, hone, rivals, seconds=1.0, tried_at=None):
        self.name, self.hone, self.rivals, self.seconds, self.tried_at = name, hone, rivals, seconds, tried_at


def trained(shape, floor, seconds=1.0, tried_at=None):
    """Without a floor the current PyTorch is the only rival: it is the one that long contexts are written for."""
    rivals = [Rival("PyTorch 1.13 eager", "train_torch.py", "debian", floor, "eager", OPENBLAS)] if floor else []
    if tried_at is None:  # the large shapes leave out what is neither the floor's rival nor the strongest
        rivals.append(Rival("PyTorch current, eager", "train_torch.py", "current", None, "eager", PLAIN))
    current = 1.2 if floor else None
    rivals += [Rival("PyTorch current, SDPA", "train_torch.py", "current", current, "sdpa", PLAIN),
               Rival("PyTorch current, SDPA + compile", "train_torch.py", "current", current, "compile", COMPILED)]
    return Comparison(f"train-{shape}", ["train", "--shape", shape], rivals, seconds,
                      tried_at and f"train-{tried_at}")


def generated(shape, batch, floor):
    rivals = [Rival("PyTorch 1.13 eager, KV cache", "eager_generate.py", "debian", floor, "eager", OPENBLAS),
              Rival("transformers generate", "generate_hf.py", "current", None, "sdpa", PLAIN)]
    if batch <= 16:
        rivals.append(Rival("llama.cpp f32", "llama_cpp.py", "llama_cpp", 1.5, "f32"))
    return Comparison(f"generate-{shape}-b{batch}", ["generate", "--shape", shape, "--batch", str(batch)], rivals, 0.5,
                      None if (shape, batch) in (("d128", 1), ("d128", 128)) else
                      "generate-d128-b1" if batch == 1 else "generate-d128-b128")


def generated_8bit(shape, batch):
    return Comparison(f"generate-{shape}-b{batch}-int8",
                      ["generate", "--shape", shape, "--batch", str(batch), "--weights", "int8"],
                      [Rival("llama.cpp q8_0", "llama_cpp.py", "llama_cpp", 1.5, "q8_0")], 0.5)


def encoded(name):
    return Comparison(f"tokenize-{name}", ["tokenize", "--tokenizer", f"{TOKENIZERS}/{name}.json"],
                      [Rival("tokenizers", "encode_text.py", "current")], 1.0)


def comparisons():
    return [
        trained("d128", 3.5), trained("d256", 2.5), trained("d384", 1.8, tried_at="d256"),
        trained("d768", 1.8, tried_at="d256"),
        *(generated("d128", b, 15.0) for b in (1, 128, 16, 512)), *(generated("d256", b, 6.0) for b in (1, 16, 128, 512)),
        Comparison("generate-d128-b128-busy", ["generate", "--shape", "d128", "--batch", "128", "--busy", "1"],
                   [Rival("PyTorch 1.13 eager, KV cache", "eager_generate.py", "debian", None, "eager", OPENBLAS)], 0.5,
                   "generate-d128-b128"),
        *(generated_8bit(s, b) for s in ("d128", "d256") for b in (1, 16)),
        Comparison("grpo-d128", ["grpo", "--shape", "d128"],
                   [Rival("PyTorch current + transformers generate", "grpo_torch.py", "current", 5.0, "sdpa", PLAIN),
                    Rival("TRL", "grpo_trl.py", "current", 5.0, "sdpa", [MALLOC])], 1.0),
        trained("gpt2-124m", 1.5, 1.0, tried_at="d256"),
        Comparison("train-gpt2-124m-t64", ["train", "--shape", "gpt2-124m-t64"], [Rival("llm.c", "llm_c.py", "llm_c")]),
        *(encoded(name) for name in ("gpt2", "llama3", "mistral", "bert-uncased", "t5")),
        trained("d128-long", None, tried_at="d128"), trained("d128-vocab", None, tried_at="d128"),
    ]
