"""Rival of `hone bench generate`: a hand-written sampling loop over a cache of keys and values in eager PyTorch.

The cache is allocated once; the prompt goes through at once, then one token a step; temperature 1, multinomial."""
import math

import common
import torch
import torch.nn.functional as F

from gpt2_torch import GPT2


class Roller:
    def __init__(self, a):
        self.a, self.model = a, GPT2(a, sdpa=False).eval()
        self.scale = 1 / math.sqrt(a.width // a.heads)
        shape = (a.layers, a.batch, a.heads, a.prompt + a.new, a.width // a.heads)
        self.keys, self.values = torch.zeros(shape), torch.zeros(shape)
        self.prompts = torch.randint(a.vocab, (a.batch, a.prompt))

    def attend(self, i, x, begin):
        """Attention of block i for the tokens begin, begin + 1, … of every sequence."""
        block, (B, T, D), end = self.model.blocks[i], x.shape, begin + x.shape[1]
        q, k, v = block.attention.qkv(block.norm1(x)).view(B, T, 3, self.a.heads, -1).permute(2, 0, 3, 1, 4)
        self.keys[i, :, :, begin:end], self.values[i, :, :, begin:end] = k, v
        scores = (q * self.scale) @ self.keys[i, :, :, :end].transpose(-2, -1)
        if T > 1:
            scores = scores + block.attention.mask[begin:end, :end]
        y = torch.softmax(scores, dim=-1) @ self.values[i, :, :, :end]
        return block.attention.out(y.transpose(1, 2).reshape(B, T, D))

    def logits(self, ids, begin):
        """Of the last token of every sequence: [B, V]."""
        model = self.model
        x = model.embed(ids) + model.positions.weight[begin : begin + ids.shape[1]]
        for i, block in enumerate(model.blocks):
            x = x + self.attend(i, x, begin)
            x = x + block.down(F.gelu(block.up(block.norm2(x)), approximate="tanh"))
        return F.linear(model.norm(x[:, -1]), model.embed.weight)

    def __call__(self):
        a = self.a
        with torch.inference_mode():
            ids, begin, sampled = self.prompts, 0, []
            for _ in range(a.new):
                probs = torch.softmax(self.logits(ids, begin), dim=-1)
                begin += ids.shape[1]
                ids = torch.multinomial(probs, 1)
                sampled.append(ids)
            assert torch.cat(sampled, 1).shape == (a.batch, a.new)
        return a.batch * a.new


def main():
    a = common.arguments(__doc__).parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    roller = Roller(a)
    common.serve(roller, parameters=sum(p.numel() for p in roller.model.parameters()),
                 settings={"threads": torch.get_num_threads()}, versions={"torch": torch.__version__})


if __name__ == "__main__":
    main()
