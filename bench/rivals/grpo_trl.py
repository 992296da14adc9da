"""Rival of `hone bench grpo`: TRL's GRPOTrainer on the same model, prompts, samples and lengths."""
import tempfile
import time

import common
import torch
import transformers
import trl
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers

from generate_hf import model_of


def tokenizer_of(vocab):
    words = {f"w{i}": i for i in range(vocab)}
    core = Tokenizer(models.WordLevel(words, unk_token="w0"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, pad_token="w0", eos_token="w1")


def even_share(completions, **_):
    return [sum(int(w[1:]) % 2 == 0 for w in c.split()) / max(1, len(c.split())) for c in completions]


class Clock(transformers.TrainerCallback):
    """Ends of steps; the trainer is stopped and asked again by its own loop, so its steps are timed as they come."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, *_, **__):
        self.ends.append(time.perf_counter())


def trainer_of(a, model, tokenizer, folder, clock, steps):
    generator = torch.Generator().manual_seed(1)
    rows = torch.randint(2, a.vocab, (a.prompts * 8, a.prompt), generator=generator).tolist()
    prompts = Dataset.from_list([{"prompt": " ".join(f"w{i}" for i in row)} for row in rows])
    config = trl.GRPOConfig(output_dir=folder, per_device_train_batch_size=a.prompts * a.samples,
                            num_generations=a.samples, max_completion_length=a.new, beta=0.04, max_steps=steps,
                            learning_rate=1e-4, use_cpu=True, bf16=False, fp16=False, gradient_checkpointing=False,
                            report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
                            generation_kwargs={"min_new_tokens": a.new})
    return trl.GRPOTrainer(model=model, reward_funcs=even_share, args=config, train_dataset=prompts,
                           processing_class=tokenizer, callbacks=[clock])


def main():
    parser = common.arguments(__doc__)
    a = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = model_of(a), tokenizer_of(a.vocab)
        model.save_pretrained(folder + "/model")
        tokenizer.save_pretrained(folder + "/model")

        def steps():
            """Three steps of a fresh trainer; the first warms up, the others are the rate."""
            clock = Clock()
            trainer_of(a, folder + "/model", tokenizer, folder, clock, 3).train()
            return (len(clock.ends) - 1) / (clock.ends[-1] - clock.ends[0])

        common.say(ready=True, parameters=sum(p.numel() for p in model.parameters()),
                   settings={"threads": torch.get_num_threads()},
                   versions={"torch": torch.__version__, "transformers": transformers.__version__,
                             "trl": trl.__version__})
        common.answer(lambda _: {"rate": steps()})


if __name__ == "__main__":
    main()
