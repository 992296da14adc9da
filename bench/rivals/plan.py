"""What is compared with what, and how much faster hone is to be. The order is that of a run with too little time:
the shapes that the floors speak of come first."""

# Environments in which a rival is tried before it is measured; the fastest is kept. Debian's OpenBLAS knows no Zen 4
# and may choose slow kernels; glibc gives large freed blocks back to the system, which costs page faults every step.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "67108864"}
PLAIN = [{}, MALLOC]
OPENBLAS = [{}, MALLOC, {**MALLOC, "OPENBLAS_CORETYPE": "SkylakeX"}, {**MALLOC, "OPENBLAS_CORETYPE": "Haswell"}]


class Rival:
    """A script, the Python or program it needs ("debian", "current", "llama_cpp", "llm_c"), and the floor: how many
    times faster hone is to be (None = measured without a floor)."""

    def __init__(self, name, script, needs, floor=None, mode="eager", environments=None):
        self.name, self.script, self.needs, self.floor, self.mode = name, script, needs, floor, mode
        self.environments = environments or [{}]


class Comparison:
    """`hone` = the words after `hone bench`; `seconds` = least length of one measurement."""

    def __init__(self, name, hone, rivals, seconds=1.0):
        self.name, self.hone, self.rivals, self.seconds = name, hone, rivals, seconds


def trained(shape, floor, seconds=1.0, debian=True):
    rivals = [Rival("PyTorch 1.13 eager", "train_torch.py", "debian", floor, "eager", OPENBLAS)] if debian else []
    current = 1.2 if debian else None
    rivals += [Rival("PyTorch current, eager", "train_torch.py", "current", None, "eager", PLAIN),
               Rival("PyTorch current, SDPA", "train_torch.py", "current", current, "sdpa", PLAIN),
               Rival("PyTorch current, SDPA + compile", "train_torch.py", "current", current, "compile", PLAIN)]
    return Comparison(f"train-{shape}", ["train", "--shape", shape], rivals, seconds)


def generated(shape, batch, floor, seconds=0.5):
    rivals = [Rival("PyTorch 1.13 eager, KV cache", "eager_generate.py", "debian", floor, "eager", OPENBLAS),
              Rival("transformers generate", "generate_hf.py", "current", None, "sdpa", PLAIN)]
    if batch <= 16:
        rivals.append(Rival("llama.cpp f32", "llama_cpp.py", "llama_cpp", 1.5, "f32"))
    return Comparison(f"generate-{shape}-b{batch}", ["generate", "--shape", shape, "--batch", str(batch)], rivals, seconds)


def generated_8bit(shape, batch):
    return Comparison(f"generate-{shape}-b{batch}-int8",
                      ["generate", "--shape", shape, "--batch", str(batch), "--weights", "int8"],
                      [Rival("llama.cpp q8_0", "llama_cpp.py", "llama_cpp", 1.5, "q8_0")], 0.5)


def comparisons():
    batches = (1, 16, 128, 512)
    return [
        trained("d128", 3.5), trained("d256", 2.5), trained("d384", 1.8), trained("d768", 1.8),
        *(generated("d128", b, 15.0) for b in batches), *(generated("d256", b, 6.0) for b in batches),
        *(generated_8bit(s, b) for s in ("d128", "d256") for b in (1, 16)),
        Comparison("grpo-d128", ["grpo", "--shape", "d128"],
                   [Rival("PyTorch current + transformers generate", "grpo_torch.py", "current", 5.0, "sdpa", PLAIN),
                    Rival("TRL", "grpo_trl.py", "current", 5.0, "sdpa")], 1.0),
        trained("gpt2-124m", 1.5, 2.0),
        Comparison("train-gpt2-124m-t64", ["train", "--shape", "gpt2-124m-t64"],
                   [Rival("llm.c", "llm_c.py", "llm_c")], 2.0),
        trained("d128-long", None, 2.0, debian=False), trained("d128-vocab", None, 2.0, debian=False),
    ]
