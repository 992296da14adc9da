"""Writes a GGUF file (version 3) of a GPT-2 with random weights, for llama.cpp to run: no tokenizer, f32 or q8_0.

A GGUF file is a magic word, counts, key-value metadata, a table of tensors and their bytes, each tensor's start on a
multiple of 32. q8_0 cuts a row into blocks of 32: one half-precision scale and 32 signed bytes."""
import array
import random
import struct

UINT32, FLOAT32, STRING = 4, 6, 8
F32, Q8_0 = 0, 8
ALIGNMENT = 32


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def entry(key, kind, value):
    body = text(value) if kind == STRING else struct.pack("<I" if kind == UINT32 else "<f", value)
    return text(key) + struct.pack("<I", kind) + body


def metadata(a, quantised):
    pairs = [("general.architecture", STRING, "gpt2"), ("general.name", STRING, "random"),
             ("general.file_type", UINT32, 7 if quantised else 0), ("tokenizer.ggml.model", STRING, "no_vocab"),
             ("gpt2.vocab_size", UINT32, a.vocab), ("gpt2.context_length", UINT32, a.context),
             ("gpt2.embedding_length", UINT32, a.width), ("gpt2.feed_forward_length", UINT32, a.mlp),
             ("gpt2.block_count", UINT32, a.layers), ("gpt2.attention.head_count", UINT32, a.heads),
             ("gpt2.attention.layer_norm_epsilon", FLOAT32, 1e-5)]
    return len(pairs), b"".join(entry(*p) for p in pairs)


def tensors(a):
    """(name, shape with the fastest dimension first): llama.cpp's names; the output layer is the embedding."""
    D, F = a.width, a.mlp
    yield "token_embd.weight", (D, a.vocab)
    yield "position_embd.weight", (D, a.context)
    for i in range(a.layers):
        for name, inner, outer in (("attn_qkv", D, 3 * D), ("attn_output", D, D), ("ffn_up", D, F), ("ffn_down", F, D)):
            yield f"blk.{i}.{name}.weight", (inner, outer)
            yield f"blk.{i}.{name}.bias", (outer,)
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{i}.{name}.weight", (D,)
            yield f"blk.{i}.{name}.bias", (D,)
    yield "output_norm.weight", (D,)
    yield "output_norm.bias", (D,)


def numbers(name, shape, rng):
    count = 1
    for n in shape:
        count *= n
    if len(shape) == 1:
        return array.array("f", [1.0 if "norm.weight" in name else 0.0]) * count
    # Uniform with the deviation 0.02: speed does not depend on the distribution, and drawing it is quick.
    return array.array("f", [0.0693 * (rng.random() - 0.5) for _ in range(count)])


def q8_0(values):
    out = bytearray()
    for i in range(0, len(values), 32):
        block = values[i : i + 32]
        scale = max(abs(v) for v in block) / 127 or 1.0
        out += struct.pack("<e32b", scale, *(round(v / scale) for v in block))
    return bytes(out)


def write(path, a, quantised):
    """Matrices but the position table are q8_0 when `quantised`. Returns the number of parameters."""
    rng, table, data, parameters = random.Random(1), b"", bytearray(), 0
    names = list(tensors(a))
    for name, shape in names:
        values = numbers(name, shape, rng)
        parameters += len(values)
        packed = quantised and len(shape) == 2 and name != "position_embd.weight"
        data += b"\0" * (-len(data) % ALIGNMENT)
        table += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape)
        table += struct.pack("<IQ", Q8_0 if packed else F32, len(data))
        data += q8_0(values) if packed else values.tobytes()
    count, pairs = metadata(a, quantised)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(names), count) + pairs + table
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT) + data)
    return parameters
