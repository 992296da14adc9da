#!/bin/sh
# From a checkpoint to a better one, measured: docs/guide/checkpoint.md tells the story, this does it.
# usage: checkpoint.sh [path of hone] [seed]     works in a new folder that it removes; offline; 1 to 2 minutes on 2 cores
set -eu
hone=${1:-hone}
seed=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
say() { printf '\n== %s\n' "$*"; }

say "1. A checkpoint. Yours may come from the Hub; offline we make a small one, in the same format."
# It has learnt the form of an answer, one digit, from rows that answer with any of the three digits asked about.
awk -v seed="$seed" 'BEGIN {
  srand(seed)
  for (i = 0; i < 3000; i++) {
    for (j = 1; j <= 3; j++) d[j] = int(10 * rand())
    printf "{\"messages\": [{\"role\": \"user\", \"content\": \"last of %d %d %d?\"}, ", d[1], d[2], d[3]
    printf "{\"role\": \"assistant\", \"content\": \"%d\"}]}\n", d[1 + int(3 * rand())]
  }
}' > habits.jsonl
"$hone" run sft --data habits.jsonl --seed "$seed" --out sft -q \
  --set fresh.width=64 --set fresh.layers=2 --set fresh.heads=4 --set fresh.context=64 \
  --set fit.steps=300 --set fit.batch=64 --set fit.row_tokens=64 --set fit.check_every=100 \
  --set fit.optim.lr=3e-3 --set fit.optim.warmup=20
cp -r sft/models/sft base
# Its chat template, as folders of the Hub bring one along.
cat > base/chat_template.jinja <<'TEMPLATE'
{{- bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}
{%- if add_generation_prompt %}<assistant>{% endif %}
TEMPLATE
printf '{"bos_token": "<bos>", "eos_token": "<end>"}\n' > base/tokenizer_config.json
"$hone" show base | sed -n '1,6p'
"$hone" check --model base

say "2. A task that can be checked: problems with answers, some to learn from and others to be measured on."
# Every third number is kept for the test, so that no test problem has been learnt from.
awk 'BEGIN {
  for (n = 0; n < 1000; n++) {
    row = sprintf("{\"prompt\": \"last of %d %d %d?\", \"answer\": \"%d\"}", int(n / 100), int(n / 10) % 10, n % 10, n % 10)
    print row > (n % 3 == 0 ? "test.jsonl" : "train.jsonl")
  }
}'
"$hone" eval base --task test.jsonl --verifier exact --max-tokens 4 -q

say "3. Reinforcement learning: the verifier pays right answers."
"$hone" run grpo --model base --data train.jsonl --verifier exact --seed "$seed" --out grpo -q \
  --set steps=100 --set problems=32 --set samples=8 --set max_tokens=4 --set pass_at=4 \
  --set optim.lr=1e-3 --set optim.schedule=constant --set optim.warmup=3 --set optim.weight_decay=0

say "4. Is it better? On the test problems, one by one, with an interval; --strict fails unless it lies above 0."
"$hone" eval grpo --compare base --task test.jsonl --verifier exact --samples 8 --max-tokens 4 --strict -q

say "5. Out again, and read elsewhere: the folder for transformers, one file for llama.cpp."
"$hone" export grpo --to hf --out elsewhere/model -q
"$hone" export grpo --to gguf --out elsewhere/model.gguf -q
cd elsewhere
"$hone" show model | sed -n '1,6p'
here=$("$hone" gen model "last of 4 7 2?" --temperature 0 -q)
there=$("$hone" gen ../grpo "last of 4 7 2?" --temperature 0 -q)
printf 'last of 4 7 2? %s\n' "$here"
[ "$here" = "$there" ]
cmp model/chat_template.jinja ../base/chat_template.jinja
