// The model that a word on the command line means.
#pragma once

#include "hone/base/rng.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hone::cli {

/// A folder that holds config.json; else a run (a path, a name below `runs`, "latest"): the model that its summary
/// calls the improved one, or the only one it has. Errors: usage, naming the models where there are several, and what a
/// run is that has none; io, format of summary.json.
std::filesystem::path find_model(const std::filesystem::path& runs, const std::string& word);

/// A model and its share of a mixture policy, which answers every prompt by one of its members, drawn by their shares.
struct Member {
  std::filesystem::path model;
  double weight = 1;  ///< > 0; shares need not add up to 1
};

/// The members of a mixture file ({"mixture": [{"model": "dno-1", "weight": 0.5}, …]}, names of folders beside it, as
/// recipes write it); or the one model that find_model finds.
/// Errors: those of find_model; format, naming file and member, for no member, a weight that is not above 0, a name
/// with a slash, or a member that is no model.
std::vector<Member> find_policy(const std::filesystem::path& runs, const std::string& word);

/// Which member answers: the same for the same stream.
std::size_t draw_member(const std::vector<Member>& members, Rng rng);

/// The run that a model folder lies in (RUN/models/NAME), or that `word` names; empty when there is none.
std::filesystem::path run_behind(const std::filesystem::path& runs, const std::string& word);

}  // namespace hone::cli
