// The words of gen, chat and eval: what `hone help` shows and the parser takes.
#include "cli/use/plans.h"
#include "hone/base/error.h"

namespace hone::cli {
namespace {

constexpr Option kMaxTokens = {"--max-tokens", "N", "most tokens of a completion (default 256)"};
constexpr Option kTopK = {"--top-k", "K", "draw from the K most likely tokens"};
constexpr Option kTopP = {"--top-p", "P", "draw from the likeliest with this mass (0 to 1)"};
constexpr Option kWeights = {"--weights", "NAME", "fp32 (default), bf16 or int8"};
constexpr Option kThreads = {"--threads", "N", "threads; results do not depend on it"};
constexpr Option kTemperature = {"--temperature", "X", "default 0.8; 0 = the most likely token"};

constexpr Option kGenOptions[] = {
    kMaxTokens,
    kTemperature,
    kTopK,
    kTopP,
    {"--seed", "N", "same seed, same text (default 1)"},
    {"--samples", "N", "completions of each prompt (default 1)"},
    {"--stop", "TEXT", "end before this text; may repeat"},
    {"--chat", "", "by the chat template (default where there is one)"},
    {"--raw", "", "the prompt as it stands, to be gone on with"},
    {"--jsonl", "", "rows in (a file, or stdin), rows out"},
    kWeights,
    kThreads,
};

constexpr Option kChatOptions[] = {
    {"--system", "TEXT", "what the model is told before the first turn"}, kMaxTokens, kTemperature, kTopK, kTopP,
    {"--seed", "N", "same seed and words, same answers (default 1)"},     kWeights,   kThreads,
};

constexpr Option kEvalOptions[] = {
    {"--task", "FILE", "JSONL problems: prompt (or messages), answer"},
    {"--verifier", "NAME", "exact, number, regex, countdown, game24 or search"},
    {"--data", "FILE", "the problems, when --task names the verifier"},
    {"--samples", "K", "also K samples each: their mean, pass@k"},
    {"--compare", "MODEL", "another model on the same problems"},
    {"--out", "FILE", "every completion and its verdict, as JSONL"},
    {"--strict", "", "with --compare: exit 1 unless it is better"},
    {"--limit", "N", "the first N problems only"},
    {"--max-tokens", "N", "most tokens of a completion (256, or the run's)"},
    {"--temperature", "X", "of the samples (default 1)"},
    kTopK,
    kTopP,
    {"--seed", "N", "of the samples (default 1)"},
    {"--raw", "", "prompts of one text without the chat template"},
    kWeights,
    {"--device", "NAME", "cpu (default) or cuda, in bfloat16"},
    kThreads,
};

}  // namespace

Command use_verb(std::string_view name, int (*run)(const Call& call)) {
  if (name == "gen") {
    return {"gen",
            "text from a model: a prompt in, a completion out",
            "MODEL [prompt|file|-] [options]",
            1,
            2,
            "Writes what a model folder (or the model of a run) makes of a prompt, given as a word or piped in. With "
            "--jsonl every row {\"prompt\"} or {\"messages\"} comes back with its \"completion\" (with --samples: "
            "\"completions\"). Text goes to stdout as it is made, talk to stderr.",
            "hone gen my-model \"Why is the sky blue?\"\n"
            "hone gen latest --raw --temperature 0 < notes.txt\n"
            "hone gen latest rows.jsonl --jsonl --samples 4 > out.jsonl",
            kGenOptions,
            run};
  }
  if (name == "chat") {
    return {"chat",
            "talk with a model",
            "MODEL [options]",
            1,
            1,
            "Answers what is typed (or piped in), by the folder's chat template. Commands: /temp X, /seed N, /save "
            "FILE, /reset, /help, /quit. \"\"\" begins and ends a message of several lines; Ctrl-C stops an answer.",
            "hone chat my-model\n"
            "hone chat latest --temperature 0\n"
            "hone chat my-model --system \"Be brief.\" < script.txt",
            kChatOptions,
            run};
  }
  require(name == "eval", ErrorKind::internal, "no verb {} for using a model", name);
  return {
      "eval",
      "how often a model is right, with intervals",
      "MODEL|RUN [--task FILE --verifier NAME] [options]",
      1,
      1,
      "Puts problems to a model and lets a verifier judge: greedy accuracy and, with --samples, the mean and pass@k "
      "of several, each with a 95 % bootstrap interval over problems. --compare says whether another model is worse, "
      "problem by problem. Without --task: the held-out problems of the run.",
      "hone eval my-model --task test.jsonl --verifier number\n"
      "hone eval latest --samples 16 --out answers.jsonl\n"
      "hone eval tuned --compare base --task test.jsonl --verifier number",
      kEvalOptions,
      run};
}

}  // namespace hone::cli
