"""Rival of `hone bench grpo`: one GRPO step with transformers' generate and PyTorch: sample prompts x samples
completions, score them under the reference model, one clipped update with a KL penalty (k3)."""
import copy

import common
import torch
import torch.nn.functional as F
import transformers

from generate_hf import model_of, sample
from gpt2_torch import optimizers


def logprobs(model, ids, prompt):
    """log p of the completion tokens: [rows, new]. The output layer runs over the completions only."""
    hidden = model.transformer(ids).last_hidden_state[:, prompt - 1 : -1]
    return torch.log_softmax(model.lm_head(hidden), dim=-1).gather(-1, ids[:, prompt:, None]).squeeze(-1)


class Step:
    """`chunk` rows go through forward and backward at once; the gradient is that of the whole batch."""

    def __init__(self, a, model, optimizer, chunk):
        self.a, self.model, self.optimizer, self.chunk = a, model, optimizer, chunk
        self.reference = copy.deepcopy(model)
        self.prompts = torch.randint(a.vocab, (a.prompts, a.prompt)).repeat_interleave(a.samples, 0)

    def __call__(self):
        a = self.a
        self.model.eval()
        ids = sample(self.model, self.prompts, a.new).clone()
        reward = (ids[:, a.prompt :] % 2 == 0).float().mean(1).view(a.prompts, a.samples)
        advantage = ((reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        with torch.no_grad():
            reference = torch.cat([logprobs(self.reference, part, a.prompt) for part in ids.split(self.chunk)])
        self.optimizer.zero_grad(set_to_none=True)
        count = ids.shape[0] * a.new
        for part, ref, adv in zip(ids.split(self.chunk), reference.split(self.chunk), advantage.split(self.chunk)):
            logp = logprobs(self.model, part, a.prompt)
            ratio = (logp - logp.detach()).exp()  # on policy: the sampler's log-probs are these
            clipped = torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv)
            kl = (ref - logp).exp() - (ref - logp) - 1
            ((0.04 * kl - clipped).sum() / count).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return 1


def main():
    parser = common.arguments(__doc__)
    a = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    transformers.logging.set_verbosity_error()
    model = model_of(a)
    forms = optimizers(model)
    optimizer = forms.get("fused", forms["foreach"])
    rows = a.prompts * a.samples
    steps = {chunk: Step(a, model, optimizer, chunk) for chunk in {rows, max(1, rows // 8)}}
    best = common.fastest(steps, 0.1)
    common.serve(steps[best], parameters=sum(p.numel() for p in model.parameters()),
                 settings={"threads": torch.get_num_threads(), "rows at once": best},
                 versions={"torch": torch.__version__, "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
