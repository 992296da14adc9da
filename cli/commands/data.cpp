// hone data: rows as the model will see them, and problems made on the spot.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/base/toml_text.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/data/countdown_records.h"
#include "hone/data/pair_rows.h"
#include "hone/data/rows.h"
#include "hone/tasks/search/problems.h"
#include "hone/tasks/verifiers.h"
#include "hone/text/tokenizer.h"

#include <algorithm>
#include <numeric>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultContext = 1024;

constexpr Option kOptions[] = {
    {"--model", "DIR", "preview: tokens and context of this model"},
    {"--verifier", "V", "preview: rows are problems for this verifier"},
    {"--context", "N", "preview: longest row, in tokens"},
    {"--rows", "N", "preview: rows shown (default 3)", "-n"},
    {"--world", "W", "tokens, or problems, of this Countdown world"},
    {"--count", "N", "make: how many problems (default 100)"},
    {"--split", "S", "make: train, held-out; search: val, val_target"},
    {"--seed", "N", "make: seed of the draw (default 1)"},
    {"--solutions", "", "make: add a solution to every problem"},
    {"--out", "FILE", "make: the file to write"},
};

// How rows are cut into tokens, and how many fit.
struct Lens {
  text::Tokenizer tokenizer;
  std::optional<text::ChatTemplate> chat = std::nullopt;
  int64_t context = kDefaultContext;
  std::string what;  ///< "bytes", or whose tokens they are

  data::Encoder encoder() const { return {tokenizer, chat ? &*chat : nullptr}; }
};

Lens lens_of(const Call& call) {
  Lens lens{text::Tokenizer::bytes(text::standard_specials()), std::nullopt, kDefaultContext, "bytes"};
  if (const auto model = call.value("--model")) {
    const checkpoint::ModelDir dir(*model);
    lens.tokenizer = text::Tokenizer::load(dir.path() / "tokenizer.json");
    lens.chat = text::ChatTemplate::load(dir.path());
    const std::string where = (dir.path() / "config.json").string();
    for (const char* key : {"n_positions", "max_position_embeddings"}) {
      lens.context = base::get_int_or(dir.config(), key, lens.context, 1, 1 << 24, where);
    }
    lens.what = *model;
  } else if (const auto world = call.value("--world")) {
    lens.tokenizer = data::countdown_tokenizer(tasks::countdown_world(*world));
    lens.what = *world;
  }
  lens.context = call.integer("--context", lens.context, 1, 1 << 24);
  return lens;
}

// A row to be shown: its tokens, and what else is worth knowing.
struct Shown {
  data::Example example;
  int64_t tokens = 0;  ///< before it was cut
  std::string place, note;
};

std::vector<Shown> problems_as_shown(const fs::path& file, const std::string& verifier, const Lens& lens) {
  std::vector<Shown> shown;
  for (const tasks::Problem& problem : tasks::read_problems(file, verifier)) {
    Shown row;
    row.place = problem.id;
    row.note = problem.answer;
    row.example.ids = data::prompt_ids(problem, lens.encoder());
    row.example.loss_mask.assign(row.example.ids.size(), 0);
    row.tokens = static_cast<int64_t>(row.example.ids.size());
    shown.push_back(std::move(row));
  }
  return shown;
}

// Rows to learn from; of choices both sides, the chosen one first.
std::vector<Shown> rows_as_shown(const fs::path& file, const Lens& lens) {
  std::vector<std::pair<data::Row, std::string>> rows;
  if (const std::string content = base::read_file(file); data::are_pair_rows(content)) {
    for (const auto& [chosen, rejected] : data::parse_pair_rows(content, file.string())) {
      rows.emplace_back(chosen, " chosen");
      rows.emplace_back(rejected, " rejected");
    }
  } else {
    for (const data::Row& row : data::parse_rows(content, file.string())) rows.emplace_back(row, "");
  }
  std::vector<Shown> shown;
  for (const auto& [row, side] : rows) {
    Shown one;
    one.place = row.place + side;
    one.example = data::tokenize(row, lens.encoder(), INT64_MAX, data::TooLong::refuse);
    one.tokens = static_cast<int64_t>(one.example.ids.size());
    if (one.tokens > lens.context) {
      one.example.ids.resize(static_cast<std::size_t>(lens.context));
      one.example.loss_mask.resize(static_cast<std::size_t>(lens.context));
    }
    shown.push_back(std::move(one));
  }
  return shown;
}

// A stretch of tokens safe for a terminal: line ends visible, other control characters blanked.
std::string visible(const text::Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::string text;
  for (const char c : tokenizer.decode_all(ids)) {
    if (c == '\n') {
      text += "⏎";
    } else {
      text += c;
    }
  }
  return base::printable(text);
}

// Tokens with loss in colour; in [brackets] without colour.
std::string marked(const data::Example& example, const Lens& lens, const Console& console) {
  std::string line;
  const std::span<const int32_t> ids = example.ids;
  for (std::size_t begin = 0, end = 0; begin < ids.size(); begin = end) {
    while (end < ids.size() && example.loss_mask[end] == example.loss_mask[begin]) ++end;
    const std::string text = visible(lens.tokenizer, ids.subspan(begin, end - begin));
    if (!line.empty() && lens.tokenizer.kind() == text::TokenizerKind::symbols) line += ' ';
    if (example.loss_mask[begin] == 0) {
      line += console.paint(Tone::dim, text);
    } else {
      line += console.colour() ? console.paint(Tone::good, text) : '[' + text + ']';
    }
  }
  return line;
}

Json totals_json(const std::vector<Shown>& rows, const Lens& lens) {
  std::vector<int64_t> lengths;
  int64_t learnt = 0, too_long = 0;
  for (const Shown& row : rows) {
    lengths.push_back(row.tokens);
    too_long += row.tokens > lens.context ? 1 : 0;
    learnt += std::accumulate(row.example.loss_mask.begin(), row.example.loss_mask.end(), int64_t{0});
  }
  std::sort(lengths.begin(), lengths.end());
  return {{"rows", rows.size()},
          {"tokens", std::accumulate(lengths.begin(), lengths.end(), int64_t{0})},
          {"tokens_with_loss", learnt},
          {"shortest", lengths.front()},
          {"median", lengths[lengths.size() / 2]},
          {"longest", lengths.back()},
          {"context", lens.context},
          {"truncated", too_long}};
}

int preview(const Call& call, const fs::path& file) {
  const Lens lens = lens_of(call);
  const auto verifier = call.value("--verifier");
  const std::vector<Shown> rows = verifier ? problems_as_shown(file, *verifier, lens) : rows_as_shown(file, lens);
  const auto most = std::min(rows.size(), static_cast<std::size_t>(call.integer("--rows", 3, 0, 1 << 30)));
  const Json totals = totals_json(rows, lens);
  if (call.has("--json")) {
    Json list = Json::array();
    for (std::size_t i = 0; i < most; ++i) {
      list.push_back({{"place", rows[i].place},
                      {"ids", rows[i].example.ids},
                      {"loss_mask", rows[i].example.loss_mask},
                      {"text", lens.tokenizer.decode_all(rows[i].example.ids)}});
    }
    put("{}\n", base::dump(Json{{"totals", totals}, {"rows", list}}, 2));
    return 0;
  }
  const Console console = Console::of(stdout);
  for (std::size_t i = 0; i < most; ++i) {
    const Shown& row = rows[i];
    put("{}  {} tokens{}\n{}\n", console.paint(Tone::accent, row.place), row.tokens,
        row.tokens > lens.context ? fmt::format(", cut at {}", lens.context) : "", marked(row.example, lens, console));
    if (!row.note.empty()) put("answer: {}\n", base::printable(row.note));
    put("\n");
  }
  put("{} row{} · {} tokens ({}) · {} carry loss ({}) · shortest {} · median {} · longest {} · {} cut at {}\n",
      count_text(static_cast<int64_t>(rows.size())), rows.size() == 1 ? "" : "s",
      count_text(totals["tokens"].get<int64_t>()), lens.what, count_text(totals["tokens_with_loss"].get<int64_t>()),
      console.colour() ? "green" : "in brackets", totals["shortest"].get<int64_t>(), totals["median"].get<int64_t>(),
      totals["longest"].get<int64_t>(), totals["truncated"].get<int64_t>(), lens.context);
  return 0;
}

// What `make` was asked for, but for the split, whose names depend on the kind.
struct MakePlan {
  std::string out;
  const tasks::CountdownWorld& world;
  std::string split;
  int64_t count = 0;
  Rng rng;
};

MakePlan make_plan(const Call& call) {
  const auto out = call.value("--out");
  if (!out) throw Error(ErrorKind::usage, "hone data make needs a file to write", "--out problems.jsonl");
  std::error_code code;
  require(!fs::exists(*out, code), ErrorKind::usage, "{} exists already; nothing was written", *out);
  const Rng rng = Rng(static_cast<uint64_t>(call.integer("--seed", 1, 0, INT64_MAX))).fork("data make");
  return {*out, tasks::countdown_world(call.value("--world").value_or("cd3")), call.value("--split").value_or("train"),
          call.integer("--count", 100, 1, 100'000'000), rng};
}

// Problems with prompts, one JSON line each.
std::string countdown_lines(const MakePlan& plan, const Call& call) {
  require(plan.split == "train" || plan.split == "held-out", ErrorKind::usage,
          "--split: \"{}\" is neither train nor held-out", plan.split);
  const auto split = plan.split == "train" ? tasks::Split::train : tasks::Split::held_out;
  std::string text;
  for (const tasks::Problem& problem : tasks::draw_problems(plan.world, split, plan.count, plan.rng)) {
    Json row = {{"prompt", problem.prompt}, {"numbers", problem.numbers}, {"target", problem.target}};
    if (call.has("--solutions")) {
      const auto solutions = tasks::all_solutions(plan.world, problem.numbers, problem.target);
      row["completion"] = tasks::write_derivation(solutions.front(), tasks::Notation::visible);
    }
    text += base::dump(row) + '\n';
  }
  return text;
}

// Problems with a search and the way without one, in the interchange format of Stream of Search.
std::string search_lines(const MakePlan& plan, const Call& call) {
  require(!call.has("--solutions"), ErrorKind::usage, "make search writes the way to the solution always");
  const auto split = tasks::search::search_split(plan.split);
  std::string text;
  uint64_t i = 0;
  for (const auto& problem :
       tasks::search::draw_search_problems(plan.world, split, plan.count, plan.rng.fork("problems"))) {
    text +=
        base::dump(to_json(tasks::search::make_search_row(plan.world, problem, plan.rng.fork("row", {i++})))) + '\n';
  }
  return text;
}

int make(const Call& call) {
  const std::string kind = call.operands.size() == 2 ? call.operands[1] : "countdown";
  const std::vector<std::string> known = {"countdown", "search"};
  require(kind == "countdown" || kind == "search", ErrorKind::usage, "nothing to make called \"{}\"{}", kind,
          base::suggestion(kind, known));
  const MakePlan plan = make_plan(call);
  base::write_file_atomic(plan.out, kind == "search" ? search_lines(plan, call) : countdown_lines(plan, call));
  if (call.has("--json")) {
    put("{}\n", base::dump(Json{{"file", plan.out}, {"rows", plan.count}, {"world", plan.world.name}}));
  } else {
    put("{}\n", plan.out);
    if (!call.has("--quiet")) say("{} problems of {}\n", count_text(plan.count), plan.world.name);
  }
  return 0;
}

int run_data(const Call& call) {
  const std::string& what = call.operands[0];
  const std::vector<std::string> known = {"preview", "make"};
  if (what == "preview") {
    require(call.operands.size() == 2, ErrorKind::usage, "hone data preview needs a file");
    return preview(call, call.operands[1]);
  }
  if (what == "make") return make(call);
  fail(ErrorKind::usage, "hone data has no \"{}\"{}", what, base::suggestion(what, known));
}

}  // namespace

Command data_verb() {
  return {"data",
          "look at a data file, or make problems",
          "preview FILE | make countdown|search [options]",
          1,
          2,
          "preview shows rows of a JSONL file as the model will see them: tokens that carry loss are green (in "
          "brackets without colour), with lengths and how many rows are too long. make writes Countdown problems, or "
          "(make search) problems each with a symbolic search written out, as Stream of Search trains on.",
          "hone data preview chat.jsonl\n"
          "hone data make countdown --world cd3 --count 500 --out cd3.jsonl\n"
          "hone data make search --world cd3 --split val --out traces.jsonl",
          kOptions,
          &run_data};
}

}  // namespace hone::cli
