"""Makes tests/golden/adapters/*: LoRA adapters as PEFT saves them, beside checkpoints of tests/golden/models, and the
logits that PEFT computes with them. The other way round, `check` has PEFT load an adapter that hone wrote:

    venv/bin/pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors
    venv/bin/python tools/golden/make_adapters.py
    venv/bin/python tools/golden/make_adapters.py check BASE ADAPTER logits.json

where logits.json is what `hone inspect logits BASE --adapter ADAPTER --ids … --json` prints. A developer's tool: neither
the build nor the tests run it.
"""

import json
import os
import pathlib
import shutil
import sys

os.environ["TRANSFORMERS_OFFLINE"] = "1"

import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"
# name: (base, settings, dtype of the file). Between them: parts of fused maps with ranks and alphas of their own, one
# fused map with turned weights, and a name (c_proj) that two modules end in.
ADAPTERS = {
    "llama3": ("llama3", {"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "v_proj", "gate_proj", "down_proj"],
                          "rank_pattern": {"layers.1.mlp.down_proj": 2, ".*0.self_attn.q_proj": 3},
                          "alpha_pattern": {"v_proj": 3}, "lora_dropout": 0.1}, torch.float32),
    "gpt2": ("gpt2", {"r": 3, "lora_alpha": 5, "target_modules": ["c_attn", "c_proj"], "use_rslora": True,
                      "fan_in_fan_out": True, "layers_to_transform": [1]}, torch.bfloat16),
}


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def write(name, root):
    base, settings, dtype = ADAPTERS[name]
    folder = root / name
    shutil.rmtree(folder, ignore_errors=True)
    model = get_peft_model(load(GOLDEN / "models" / base), LoraConfig(task_type="CAUSAL_LM", **settings))
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
                parameter.data = parameter.data.to(dtype)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base  # not the path of a developer's machine
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    plain = load(GOLDEN / "models" / base)
    ids = torch.randint(3, plain.config.vocab_size, (1, 17), generator=generator)
    with torch.no_grad():
        before = plain(ids).logits[0]
        logits = PeftModel.from_pretrained(plain, folder).eval()(ids).logits[0]
    (folder / "logits.json").write_text(json.dumps({
        "peft": peft.__version__, "base": base, "ids": ids[0].tolist(),
        "logits": [[round(x, 5) for x in row] for row in logits.tolist()]}, separators=(",", ":")) + "\n")
    print(f"{name}: the adapter moves logits by up to {(logits - before).abs().max():.2f}")


def check(base, adapter, printed):
    expected = json.loads(pathlib.Path(printed).read_text())
    model = PeftModel.from_pretrained(load(base), adapter).eval()
    plain = load(base)
    ids = torch.tensor([expected["ids"]])
    with torch.no_grad():
        logits, before = model(ids).logits[0], plain(ids).logits[0]
    gap = float((logits - torch.tensor(expected["logits"])).abs().max())
    print(f"PEFT {peft.__version__} with {adapter}: largest difference {gap:.2e}; largest logit "
          f"{logits.abs().max():.2f}; the adapter moves logits by up to {(logits - before).abs().max():.2e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(*sys.argv[2:5])
    else:
        for each in ADAPTERS:
            write(each, pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN / "adapters")
