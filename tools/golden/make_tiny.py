"""Makes tests/golden/{gpt2,llama}-tiny: random checkpoints and the logits that transformers computes from them.

A developer's tool: neither the build nor the tests run it, they read the files that it wrote. To make them anew:

    python3 -m venv venv && venv/bin/pip install torch==2.2.2 "numpy<2" transformers==4.40.2
    venv/bin/python tools/golden/make_tiny.py

Given the same versions it writes the same bytes. The weights are far larger than those of a fresh model, and norms and
biases are random too: at the usual scale a wrong bias or an unrotated key would hide below any sensible tolerance.
"""

import json
import os
import pathlib
import sys

os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

SPECIALS = ["<pad>", "<bos>", "<end>", "<retry>", "<user>", "<assistant>", "<system>"]
WORDS = [str(n) for n in range(30)] + ["+", "-", "*", "/", "=", "(", ")", "reach", "with", "use", "steps", "give", "up"]
PROMPTS = ["<bos> <user> reach 24 with 3 8 1 <assistant>",
           "<bos> <user> reach 29 with 2 5 7 11 <assistant> ( 2 + 5 ) * 7 - 20 = 29 <end> <retry> give up <end>"]
SIZE = {"vocab_size": len(SPECIALS) + len(WORDS), "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def tokenizer_json():
    tokens = SPECIALS + WORDS
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, "content": text, **flags} for i, text in enumerate(SPECIALS)],
            "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": {text: i for i, text in enumerate(tokens)}, "unk_token": "<unk>"}}


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm_weight = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.2 * noise if is_norm_weight else 0.2 * noise)


def write(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.eval()
    model.save_pretrained(folder, safe_serialization=True)
    (folder / "generation_config.json").unlink()  # not read by hone
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json()) + "\n")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    prompts = []
    for text in PROMPTS:
        ids = tokenizer.encode(text).ids
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        prompts.append({"text": text, "ids": ids, "logits": [[round(x, 6) for x in row] for row in logits.tolist()]})
    (folder / "logits.json").write_text(json.dumps({"prompts": prompts}, separators=(",", ":")) + "\n")
    print(folder, "largest logit", max(abs(x) for p in prompts for row in p["logits"] for x in row))


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "tests" / "golden"
    gpt2 = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=32, attn_pdrop=0.0, embd_pdrop=0.0,
                                      resid_pdrop=0.0, attn_implementation="eager", **SIZE))
    # A theta of its own, so that a reader that ignores the key is found out.
    llama = LlamaForCausalLM(LlamaConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, rope_theta=500.0,
                                         num_key_value_heads=2, intermediate_size=64, max_position_embeddings=32,
                                         rms_norm_eps=1e-5, tie_word_embeddings=False, attn_implementation="eager",
                                         **SIZE))
    for seed, (name, model) in enumerate({"gpt2-tiny": gpt2, "llama-tiny": llama}.items()):
        randomize(model, seed)
        write(model, root / name)


if __name__ == "__main__":
    main()
