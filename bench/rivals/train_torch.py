"""Rival of `hone bench train`: one AdamW step of GPT-2 in PyTorch: eager, sdpa, or compile (= sdpa + torch.compile)."""
import common
import torch

from gpt2_torch import GPT2, optimizers


def main():
    parser = common.arguments(__doc__)
    a = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    model = GPT2(a, sdpa=a.mode != "eager")
    ids = torch.randint(a.vocab, (a.rows, a.tokens))
    loss_of = torch.compile(model.loss) if a.mode == "compile" else model.loss
    parameters = list(model.parameters())

    def step(optimizer):
        optimizer.zero_grad(set_to_none=True)
        loss_of(ids).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return a.rows * a.tokens

    forms = optimizers(model)
    model.loss(ids[:1]).backward()  # the forms are compared by their updates alone: forward and backward are the same
    best = common.fastest({name: lambda o=o: o.step() or 1 for name, o in forms.items()})
    optimizer = forms[best]
    for form in forms.values():
        if form is not optimizer:
            form.state.clear()
    common.serve(lambda: step(optimizer), parameters=sum(p.numel() for p in parameters),
                 settings={"mode": a.mode, "adamw": best, "threads": torch.get_num_threads()},
                 versions={"torch": torch.__version__})


if __name__ == "__main__":
    main()
