// Judgements on disk: what an oracle has said once is not asked again, in this run or after a crash.
#pragma once

#include "hone/rewards/oracle.h"

#include <filesystem>
#include <memory>
#include <string>

namespace hone::rewards {

/// What became of the cache's file when it was opened.
struct CacheState {
  int64_t usable = 0;   ///< answers of this oracle
  int64_t foreign = 0;  ///< answers of other oracles: kept in the file, not used
  std::string note;     ///< a torn last line that was dropped; "" = none
};

/// How often a cached oracle was asked, and how often it had the answer.
struct CacheCount {
  int64_t asked = 0, known = 0;
};

/// The same oracle with a memory in `file`, JSON lines of {"key","oracle","scores","wins"}; the key is the SHA-256 of
/// the oracle's identity and the question (its id apart). Every answer is on its way to the disk before it is passed
/// on; equal questions of one call are asked once. One writer at a time: keep it in a run folder, which is locked.
///
///   state, count  filled when not null; `count` goes on counting and must outlive the oracle
///   errors        format, naming file:line: a line that is not an answer (not the torn last one, which a kill leaves);
///                 io; those of the oracle
Oracle cached(Oracle oracle, const std::filesystem::path& file, CacheState* state = nullptr,
              CacheCount* count = nullptr);

/// The key of a question.
std::string cache_key(const std::string& identity, const Question& question);

}  // namespace hone::rewards
