#include "cli/chat_report.h"

#include "hone/base/error.h"
#include "hone/base/toml_text.h"
#include "hone/text/utf8.h"

namespace hone::cli {
namespace {

constexpr uint8_t kLoss = text::jinja::kGenerated;

std::string visible(std::string_view text) {
  std::string shown;
  for (const char c : text) shown += c == '\n' ? std::string("⏎") : std::string(1, c);
  return base::printable(text::repair_utf8(shown));
}

// Calls use(text, has_loss) for every stretch of bytes alike.
template <class Use>
void for_each_stretch(const text::jinja::MarkedText& text, Use use) {
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    const bool loss = (text.mark(begin) & kLoss) != 0;
    while (end < text.size() && ((text.mark(end) & kLoss) != 0) == loss) ++end;
    use(std::string_view(text.bytes).substr(begin, end - begin), loss);
  }
}

std::string coloured(const text::jinja::MarkedText& text, const Console& console) {
  std::string line;
  for_each_stretch(text, [&](std::string_view stretch, bool loss) {
    const std::string shown = visible(stretch);
    if (!loss) {
      line += console.paint(Tone::dim, shown);
    } else {
      line += console.colour() ? console.paint(Tone::good, shown) : '[' + shown + ']';
    }
  });
  return line;
}

}  // namespace

Json sample_conversation() {
  return Json::array({{{"role", "user"}, {"content", "What is 2 + 2?"}},
                      {{"role", "assistant"}, {"content", "It is 4."}},
                      {{"role", "user"}, {"content", "And 3 + 3?"}},
                      {{"role", "assistant"}, {"content", "It is 6."}}});
}

ChatReport report_chat(const std::filesystem::path& model_dir, const Json& messages) {
  ChatReport report;
  const std::optional<text::ChatTemplate> chat = text::ChatTemplate::load(model_dir);
  if (!chat) return report;
  report.where = chat->where();
  report.marks_generation = chat->marks_generation();
  try {
    report.parting = chat->find_parting(messages);
    report.text = chat->training_text(messages, 0);
  } catch (const Error& error) {
    report.problem = error.what();
  }
  return report;
}

Json to_json(const ChatReport& report) {
  if (report.where.empty()) return nullptr;
  Json json = {{"template", report.where},
               {"loss_from", report.marks_generation ? "generation" : "prefix"},
               {"keeps_prefix", report.problem.empty() || report.parting ? Json(!report.parting) : Json(nullptr)}};
  if (report.parting) {
    json["parting"] = {{"message", report.parting->turn + 1},
                       {"byte", report.parting->at},
                       {"before", report.parting->before},
                       {"after", report.parting->after}};
  }
  if (!report.problem.empty()) json["problem"] = report.problem;
  if (!report.text) return json;
  json["text"] = report.text->bytes;
  json["loss"] = Json::array();
  for_each_stretch(*report.text, [&](std::string_view stretch, bool loss) {
    if (loss) json["loss"].push_back(std::string(stretch));
  });
  return json;
}

std::string to_text(const ChatReport& report, const Console& console) {
  if (report.where.empty()) return "template    none; hone's own format: <bos> <user> … <end> <assistant> … <end>\n";
  std::string text = fmt::format("template    {}\n", report.where);
  if (report.parting) {
    text += fmt::format("prefix      {}: message {} changes what stands before it; at byte {} {} became {}\n",
                        console.paint(Tone::warn, "not kept"), report.parting->turn + 1, report.parting->at,
                        text::quote(report.parting->before), text::quote(report.parting->after));
  } else if (report.problem.empty()) {
    text += fmt::format("prefix      {} over turns\n", console.paint(Tone::good, "kept"));
  }
  if (!report.problem.empty()) text += fmt::format("problem     {}\n", base::printable(report.problem));
  if (!report.text) return text;
  text += fmt::format("loss        {}, {}\n{}\n",
                      report.marks_generation ? "as {% generation %} says" : "what each assistant's turn adds",
                      console.colour() ? "green" : "in brackets", coloured(*report.text, console));
  return text;
}

}  // namespace hone::cli
