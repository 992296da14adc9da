"""Rival of `hone bench generate`: transformers' generate() on GPT-2 of the same shape, sampling at temperature 1."""
import common
import torch
import transformers


def model_of(a):
    config = transformers.GPT2Config(vocab_size=a.vocab, n_positions=a.context, n_embd=a.width, n_layer=a.layers,
                                     n_head=a.heads, n_inner=a.mlp, bos_token_id=None, eos_token_id=None,
                                     resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    config._attn_implementation = "sdpa"
    return transformers.GPT2LMHeadModel(config).eval()


def sample(model, ids, new):
    with torch.inference_mode():
        return model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, top_k=0, max_new_tokens=new,
                              pad_token_id=0, use_cache=True)


def main():
    parser = common.arguments(__doc__)
    a = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    transformers.logging.set_verbosity_error()
    model = model_of(a)
    ids = torch.randint(a.vocab, (a.batch, a.prompt))

    def roll():
        out = sample(model, ids, a.new)
        assert out.shape == (a.batch, a.prompt + a.new)
        return a.batch * a.new

    common.serve(roll, parameters=sum(p.numel() for p in model.parameters()),
                 settings={"threads": torch.get_num_threads()},
                 versions={"torch": torch.__version__, "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
