"""Makes tests/golden/models/*: random checkpoints of every architecture that hone reads, and what transformers computes
from them: logits of a prompt, of batches padded on either side, and of decoding token by token with a cache.

A developer's tool: neither the build nor the tests run it, they read the files that it wrote. To make them anew:

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 transformers==5.24.0 safetensors
    venv/bin/python tools/golden/make_models.py

Weights are rounded to the dtype they are stored in, and logits computed from them in float32. They are far larger than
those of a fresh model, and norms and biases are random too: at the usual scale a wrong bias or an unrotated key would
hide below any sensible tolerance. Where a folder is to look like those of older programs (config keys of transformers
4, names of the first GPT-2), it is rewritten before transformers loads it to compute the logits.
"""

import copy
import json
import os
import pathlib
import shutil
import sys

os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

VOCAB = 96
STEPS = 8  # greedy tokens after the prompt
LLAMA = {"vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "intermediate_size": 48, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
         "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False}
GPT2 = {"vocab_size": VOCAB, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "resid_pdrop": 0.0,
        "embd_pdrop": 0.0, "attn_pdrop": 0.0, "bos_token_id": 1, "eos_token_id": 2}
# name: (model_type, config, dtype, looks). Scaled rotations start to differ within a few tokens: their original
# context is far below the prompt's length.
MODELS = {
    "gpt2": ("gpt2", GPT2, torch.float32, {"bare", "v4"}),
    "llama3": ("llama", LLAMA | {"tie_word_embeddings": True, "rope_parameters": {
        "rope_type": "llama3", "rope_theta": 5000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 24}}, torch.float32, set()),
    "llama-linear": ("llama", LLAMA | {"rope_parameters": {
        "rope_type": "linear", "rope_theta": 500.0, "factor": 2.5}}, torch.float16, {"v4"}),
    "llama-yarn": ("llama", LLAMA | {"attention_bias": True, "mlp_bias": True, "rope_parameters": {
        "rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "beta_fast": 2.0, "beta_slow": 0.5,
        "original_max_position_embeddings": 16}}, torch.float32, set()),
    "llama-dynamic": ("llama", LLAMA | {"rope_parameters": {
        "rope_type": "dynamic", "rope_theta": 500.0, "factor": 2.0}}, torch.float32, {"v4"}),
    # Heads wider than width / heads, and a window shorter than the prompt.
    "mistral": ("mistral", LLAMA | {"head_dim": 12, "sliding_window": 5, "rope_parameters": {
        "rope_type": "default", "rope_theta": 500.0}}, torch.bfloat16, set()),
    # The second layer slides, the first does not.
    "qwen2": ("qwen2", LLAMA | {"use_sliding_window": True, "sliding_window": 7, "max_window_layers": 1,
                                "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}, torch.float32,
              {"sharded"}),
    "qwen3": ("qwen3", LLAMA | {"head_dim": 16, "tie_word_embeddings": True, "rope_parameters": {
        "rope_type": "default", "rope_theta": 500.0}}, torch.bfloat16, {"v4"}),
}


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm_weight = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.2 * noise if is_norm_weight else 0.2 * noise)


def write_as_v4(folder):
    """config.json with the keys of transformers 4: rope_theta, rope_scaling, torch_dtype."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    rope = config.pop("rope_parameters", None)
    if rope:
        config["rope_theta"] = rope.pop("rope_theta")
        kind = rope.pop("rope_type")
        config["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    config["transformers_version"] = "4.40.2"
    path.write_text(json.dumps(config, indent=2) + "\n")


def write_bare(folder):
    """Names of the first GPT-2: no "transformer." in front."""
    path = folder / "model.safetensors"
    bare = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    bare["h.0.attn.bias"] = torch.ones(64, 64).tril().view(1, 1, 64, 64)  # a buffer that it stored
    save_file(bare, path, metadata={"format": "pt"})


def rounded(logits):
    return [[round(x, 5) for x in row] for row in logits.tolist()]


def padded(model, rows, side):
    """Logits of the rows' own tokens, from one batch padded on `side`."""
    most = max(len(row) for row in rows)
    ids, mask = torch.zeros(len(rows), most, dtype=torch.long), torch.zeros(len(rows), most, dtype=torch.long)
    places = []
    for i, row in enumerate(rows):
        place = slice(0, len(row)) if side == "right" else slice(most - len(row), most)
        ids[i, place], mask[i, place] = torch.tensor(row), 1
        places.append(place)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(ids, attention_mask=mask, position_ids=positions).logits
    return [rounded(logits[i, place]) for i, place in enumerate(places)]


def decoded(model, prompt):
    """Every token of the prompt and STEPS greedy ones, fed one at a time to a cache."""
    cache, ids, logits = None, list(prompt), []
    for t in range(len(prompt) + STEPS):
        out = model(torch.tensor([[ids[t]]]), past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        logits.append(out.logits[0, 0])
        if t + 1 == len(ids) < len(prompt) + STEPS:
            ids.append(int(logits[-1].argmax()))
    return {"prompt": len(prompt), "ids": ids, "logits": rounded(torch.stack(logits))}


def write(name, folder):
    kind, settings, dtype, looks = MODELS[name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seed = 1 + sum(map(ord, name))
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **copy.deepcopy(settings)))
    randomize(model, seed)
    model.to(dtype).save_pretrained(folder, max_shard_size="24KB" if "sharded" in looks else "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    if "bare" in looks:
        write_bare(folder)
    if "v4" in looks:
        write_as_v4(folder)
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                       output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(3, VOCAB, (n,), generator=generator).tolist() for n in (20, 11, 3)]
    with torch.no_grad():
        whole = model(torch.tensor([rows[0]])).logits[0]
        expected = {
            "transformers": transformers.__version__, "torch": torch.__version__.split("+")[0],
            "prompt": {"ids": rows[0], "logits": rounded(whole)},
            "batches": [{"padding": side, "rows": [{"ids": row, "logits": logits} for row, logits
                                                   in zip(rows, padded(model, rows, side))]}
                        for side in ("left", "right")],
            "decoding": decoded(model, rows[0])}
    (folder / "logits.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    spread = float((torch.tensor(expected["decoding"]["logits"])[:len(rows[0])] - whole).abs().max())
    print(f"{name}: largest logit {whole.abs().max():.2f}; cached against whole {spread:.1e}; "
          f"{sum(f.stat().st_size for f in folder.iterdir())} bytes")


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else (
        pathlib.Path(__file__).parents[2] / "tests" / "golden" / "models")
    for name in MODELS:
        write(name, root / name)


if __name__ == "__main__":
    main()
