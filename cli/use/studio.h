// A model that is ready to write: opened, with its threads and its way of asking.
#pragma once

#include "cli/use/plans.h"
#include "hone/base/pool.h"
#include "hone/generate/writer.h"
#include "hone/models/model.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace hone::cli {

/// How prompts are put, once the folder has been seen.
struct Manner {
  Form form = Form::raw;  ///< chat or raw
  std::string words;      ///< "the folder's chat template"
};

/// Not movable: the encoder refers to the model.
struct Studio {
  /// Errors: usage when a chat is wanted and the folder has neither a template nor hone's own tokens for turns; those
  /// of models::open.
  Studio(const WritePlan& plan, Form wanted);
  Studio(const Studio&) = delete;
  Studio& operator=(const Studio&) = delete;

  models::Model model;
  base::Pool pool;
  Manner manner;
  data::Encoder encoder;
  std::vector<int32_t> stops;  ///< tokens that end a completion

  int64_t context() const { return model.decoder.config.context; }
  /// A prompt of one text as this model is asked it.
  tasks::Problem problem_of(std::string text) const;
  /// Errors: data when the prompt leaves no room in the context, or is empty.
  text::Ids prompt_ids(const tasks::Problem& problem) const;
  /// Tokens that may follow `ids`: `wanted`, or as many as fit.
  int64_t room_after(const text::Ids& ids, int64_t wanted) const;
};

/// Text written for somebody who listens.
struct Spoken {
  std::string text;
  text::Finish finish = text::Finish::stop;  ///< running: it was interrupted
  int64_t tokens = 0;
};

/// Where the pieces of a text go as they become certain.
using Listener = std::function<void(const std::string& piece)>;

/// Writes on, giving pieces to `listener` as they become certain: whole characters, and nothing from a stop string on.
/// Ends early when `interrupted` is set.
Spoken speak(const Studio& studio, generate::Writer& writer, const generate::WriteJob& job, const Listener& listener,
             const std::atomic<bool>& interrupted);

/// `text` as it may be written to stdout: on a terminal without control characters other than line ends and tabs, which
/// could do more than show text.
std::string shown(const std::string& text);

/// "stop", "length" or "interrupted".
const char* name_of(text::Finish finish);

}  // namespace hone::cli
